CREATE TABLE note (
    id INTEGER PRIMARY KEY,
    title text UNIQUE,
    body varchar(40) DEFAULT 'none',
    at datetime DEFAULT CURRENT_TIMESTAMP,
    weight decimal(10,2) DEFAULT 1.50,
    parent integer REFERENCES note (id) ON DELETE SET NULL
);
