SELECT * FROM readings WHERE id = 4711;
