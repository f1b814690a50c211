SELECT a.region, count(*) AS n FROM readings AS a JOIN readings AS b ON b.id = a.id + 1 WHERE a.qty < 10 AND b.qty > 990 GROUP BY a.region ORDER BY a.region;
