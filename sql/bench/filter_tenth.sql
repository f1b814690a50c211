SELECT id, qty, value FROM readings WHERE qty < 100;
