-- Rows and columns chosen by their values.
SELECT name, is_active FROM feather_table WHERE id > 1;
SELECT name, metadata FROM feather_table WHERE is_active = true;
SELECT name, age FROM feather_table WHERE age > 18 AND city = 'New York' ORDER BY age DESC;
