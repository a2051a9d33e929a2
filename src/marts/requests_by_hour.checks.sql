-- Each geography counts every accepted row
SELECT geography, requests, accepted
FROM (
  SELECT geography, SUM(requests) AS requests
  FROM `requests_by_hour_<release>`
  GROUP BY geography
)
CROSS JOIN (
  SELECT SUM(of_month.requests) AS accepted
  FROM UNNEST(@accepted) AS of_month
)
WHERE requests != accepted;
