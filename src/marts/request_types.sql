-- The request types: what each is called, who is in charge of it, when and how often it occurs.
--
-- A row per request type. Its words are those that were used last, and of these the most often in their year; ties go to
-- the alphabet. `@canonical` has the label that stands for all spellings, for those that have several.
--
-- request_type  the type's stable id
-- label         for people
-- division      in charge
-- section       in charge
-- first_month   with a request, YYYY-MM
-- last_month    with a request
-- requests      how many
WITH uses AS (
  SELECT
    request_type,
    request_type_label AS label,
    division,
    section,
    MIN(month) AS first_month,
    MAX(month) AS last_month,
    COUNT(*) AS requests
  FROM requests
  -- A year is one file of the City's, in which a label is counted.
  GROUP BY request_type, request_type_label, division, section, SUBSTR(month, 1, 4)
),
types AS (
  SELECT
    request_type,
    ARRAY_AGG(
      STRUCT(label AS label, division AS division, section AS section)
      ORDER BY last_month DESC, requests DESC, label, division, section, first_month
      LIMIT 1
    )[OFFSET(0)] AS called,
    MIN(first_month) AS first_month,
    MAX(last_month) AS last_month,
    SUM(requests) AS requests
  FROM uses
  GROUP BY request_type
)
SELECT
  request_type,
  COALESCE(canonical.label, called.label) AS label,
  called.division,
  called.section,
  first_month,
  last_month,
  requests
FROM types
LEFT JOIN UNNEST(@canonical) AS canonical ON canonical.published = called.label
