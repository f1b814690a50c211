-- A whole table, as it is stored.
SELECT * FROM feather_table;
