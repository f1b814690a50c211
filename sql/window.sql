-- Rows seen among their neighbours.
SELECT name, age, rank() OVER (ORDER BY age DESC) AS rank, age - avg(age) OVER () AS over_average
FROM feather_table ORDER BY rank, name;
