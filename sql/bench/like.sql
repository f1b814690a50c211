SELECT count(*) AS n FROM readings WHERE device LIKE 'device-01%';
