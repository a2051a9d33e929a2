-- A type has one row
SELECT request_type, COUNT(*) AS types
FROM `request_types_<release>`
GROUP BY request_type
HAVING COUNT(*) > 1;

-- The types of the counts are these, with as many requests
SELECT request_type, types.requests, counts.requests AS counted
FROM `request_types_<release>` AS types
FULL JOIN (
  SELECT request_type, SUM(requests) AS requests
  FROM `requests_by_area_month_<release>`
  WHERE geography = 'ward'
  GROUP BY request_type
) AS counts
USING (request_type)
WHERE types.requests IS DISTINCT FROM counts.requests
LIMIT 10;
