-- Has wrk ask for a path with one query after the other: `wrk -s queries.lua BASE -- PATH FILE`, a query a line.
local queries, at, path = {}, 0, ""

function init(arguments)
   path = arguments[1]
   for query in io.lines(arguments[2]) do
      queries[#queries + 1] = query
   end
end

function request()
   at = at % #queries + 1
   return wrk.format("GET", path .. queries[at])
end
