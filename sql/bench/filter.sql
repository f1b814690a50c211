SELECT id, device, value FROM readings WHERE value > 990 AND region = 'north';
