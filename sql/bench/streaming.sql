SELECT * FROM readings;
