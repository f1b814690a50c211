SELECT count(*) AS n, count(value) AS with_value, sum(qty) AS qty, min(value) AS least, max(value) AS most, avg(value) AS mean FROM readings;
