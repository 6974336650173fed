CREATE TABLE stock (article TEXT PRIMARY KEY, quantity INTEGER);
