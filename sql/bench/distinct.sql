SELECT bucket, count(*) AS n FROM readings GROUP BY bucket ORDER BY n DESC, bucket LIMIT 10;
