-- How many requests of all types together there were in an area and a month, by status.
--
-- The columns are those of requests_by_area_month; the request type is `all`.
SELECT
  'all' AS request_type,
  geography,
  ward_model,
  area,
  month,
  status,
  SUM(requests) AS requests
FROM `requests_by_area_month_<release>`
GROUP BY geography, ward_model, area, month, status
