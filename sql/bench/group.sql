SELECT region, device, count(*) AS n, sum(qty) AS qty, avg(value) AS mean FROM readings GROUP BY region, device ORDER BY region, device;
