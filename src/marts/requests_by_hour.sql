-- When in the week requests come: of all types in each area, and of each type in the whole city.
--
-- A row per request type, geography, area, weekday and hour that occur together, of all months. Rows of areas are of all
-- types together; rows of a type are of the geography `city`, which has no areas.
--
-- request_type  `all`, or in the city the type's stable id
-- geography     ward, fsa or city
-- ward_model    44 or 25; null but for wards
-- area          the ward's number with two digits, or the FSA; null for requests that have none there, and for the city
-- weekday       of creation, in local time
-- hour          of creation, 0 to 23
-- requests      how many, at least 1
SELECT
  IF(geography = 'city', request_type, 'all') AS request_type,
  geography,
  IF(geography = 'ward', ward_model, NULL) AS ward_model,
  CASE geography WHEN 'ward' THEN ward WHEN 'fsa' THEN fsa END AS area,
  weekday,
  hour,
  COUNT(*) AS requests
FROM requests
CROSS JOIN UNNEST(['ward', 'fsa', 'city']) AS geography
GROUP BY 1, 2, 3, 4, 5, 6
