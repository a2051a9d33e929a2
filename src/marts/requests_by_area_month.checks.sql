-- Each geography counts every accepted row of every month
SELECT month, geography, requests, accepted
FROM (
  SELECT month, geography, SUM(requests) AS requests
  FROM `requests_by_area_month_<release>`
  GROUP BY month, geography
)
FULL JOIN (
  SELECT accepted.month, geography, accepted.requests AS accepted
  FROM UNNEST(@accepted) AS accepted
  CROSS JOIN UNNEST(['ward', 'fsa']) AS geography
)
USING (month, geography)
WHERE requests IS DISTINCT FROM accepted;

-- A ward has its model, and nothing else has one
SELECT geography, ward_model, area
FROM `requests_by_area_month_<release>`
WHERE (ward_model IS NOT NULL) != (geography = 'ward' AND area IS NOT NULL)
LIMIT 10;

-- A cell has one row, with a count
SELECT request_type, geography, ward_model, area, month, status, COUNT(*) AS cells, MIN(requests) AS requests
FROM `requests_by_area_month_<release>`
GROUP BY request_type, geography, ward_model, area, month, status
HAVING COUNT(*) > 1 OR MIN(requests) < 1
LIMIT 10;
