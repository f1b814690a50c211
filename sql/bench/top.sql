SELECT id, device, value FROM readings WHERE value IS NOT NULL ORDER BY value DESC, id LIMIT 100;
