-- How many requests of a type there were in an area and a month, by status.
--
-- A row per request type, geography, area, month and status that occur together. Every accepted request is counted once in
-- each geography, with area null where it has none there.
--
-- request_type  the type's stable id
-- geography     ward or fsa
-- ward_model    44 or 25; null for FSAs and for requests without a ward
-- area          the ward's number with two digits, or the FSA
-- month         of creation, YYYY-MM
-- status        at the time of publication
-- requests      how many, at least 1
SELECT
  request_type,
  geography,
  IF(geography = 'ward', ward_model, NULL) AS ward_model,
  IF(geography = 'ward', ward, fsa) AS area,
  month,
  status,
  COUNT(*) AS requests
FROM requests
CROSS JOIN UNNEST(['ward', 'fsa']) AS geography
GROUP BY 1, 2, 3, 4, 5, 6
