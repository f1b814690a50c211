SELECT count(*) AS n, sum(qty) AS qty, avg(value) AS mean FROM readings WHERE region = 'west' AND value BETWEEN 250 AND 750;
