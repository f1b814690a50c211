-- Nobody is that old.
SELECT name FROM feather_table WHERE age > 150;
