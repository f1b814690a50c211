SELECT count(DISTINCT bucket) AS buckets FROM readings;
