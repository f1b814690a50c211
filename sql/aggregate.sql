-- Many rows made one, and one for each group.
SELECT count(*) AS total_count FROM feather_table;
SELECT city, count(*) AS people, avg(age) AS average_age FROM feather_table GROUP BY city ORDER BY people DESC, city;
