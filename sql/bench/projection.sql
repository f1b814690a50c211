SELECT id, value FROM readings;
