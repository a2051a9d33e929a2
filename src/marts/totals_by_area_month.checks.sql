-- Each geography counts every accepted row of every month
SELECT month, geography, requests, accepted
FROM (
  SELECT month, geography, SUM(requests) AS requests
  FROM `totals_by_area_month_<release>`
  GROUP BY month, geography
)
FULL JOIN (
  SELECT accepted.month, geography, accepted.requests AS accepted
  FROM UNNEST(@accepted) AS accepted
  CROSS JOIN UNNEST(['ward', 'fsa']) AS geography
)
USING (month, geography)
WHERE requests IS DISTINCT FROM accepted;
