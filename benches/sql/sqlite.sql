-- clear --
DELETE FROM sales_order;
-- clear_outbox --
DELETE FROM {outbox};
-- statistics --
ANALYZE;
-- count --
SELECT count(*) AS changes FROM {outbox};
-- present --
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {rows})
INSERT INTO sales_order
SELECT printf('%s%09d', CASE n % 2 WHEN 0 THEN 'orc' ELSE 'ore' END, n), 'retail', 'old order', 'laptop', 'c' || n % 1000, n % 100,
    '2025-04-25', '2025-04-25 10:30:00', 'mtp', 'one'
FROM numbers;
-- source --
CREATE TABLE sales_order_source AS SELECT * FROM sales_order WHERE false;
-- next --
WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {rows})
INSERT INTO sales_order_source
SELECT printf('ord%07d', n), 'retail', 'new order', 'laptop', 'c' || n % 1000, n % 100,
    '2025-04-25', '2025-04-25 10:30:00', 'mtp', 'one'
FROM numbers;
-- insert_one --
INSERT INTO sales_order VALUES ({key}, 'retail', 'new order', 'laptop', 'c17', {number},
    '2025-04-25', '2025-04-25 10:30:00', 'mtp', 'one');
-- update_one --
UPDATE sales_order SET quantity = {number} + 100, update_datetime = '2025-05-02 08:00:00'
WHERE order_id = {key};
-- delete_one --
DELETE FROM sales_order WHERE order_id = {key};
-- insert_all --
INSERT INTO sales_order SELECT * FROM sales_order_source;
-- update_all --
UPDATE sales_order SET quantity = quantity + 1, update_datetime = '2025-05-03 08:00:00';
-- update_nothing --
UPDATE sales_order SET quantity = quantity;
-- bare --
-- The bare trigger: what captures columns at the least cost, and protects nothing. On SQLite that
-- is one trigger for each column, which is not even called where its column is not assigned.
CREATE TABLE bare_outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    object_database TEXT,
    object_table TEXT,
    object_pk_attribute TEXT,
    object_attribute TEXT,
    object_id TEXT,
    object_value TEXT,
    object_operation TEXT,
    object_operation_command TEXT,
    updated_by_server_id TEXT,
    update_datetime TEXT,
    updated_by_user_id TEXT,
    object_id_old TEXT,
    object_value_old TEXT,
    note1 TEXT,
    source_id INTEGER
);
-- next --
CREATE TRIGGER bare_insert AFTER INSERT ON sales_order BEGIN
    INSERT INTO bare_outbox (object_database, object_table, object_pk_attribute, object_id, object_value,
        object_operation, updated_by_server_id, update_datetime, updated_by_user_id)
    VALUES ('bench', 'sales_order', 'order_id', NEW.order_id,
        json_object('order_id', NEW.order_id, 'order_type', NEW.order_type, 'description', NEW.description,
            'product_type_name', NEW.product_type_name, 'customer_id', NEW.customer_id, 'quantity', NEW.quantity,
            'order_date', NEW.order_date, 'update_datetime', NEW.update_datetime,
            'updated_by_user', NEW.updated_by_user, 'updated_by_server', NEW.updated_by_server),
        'I', 'one', NEW.update_datetime, NEW.updated_by_user);
END;
-- next --
CREATE TRIGGER bare_delete AFTER DELETE ON sales_order BEGIN
    INSERT INTO bare_outbox (object_database, object_table, object_pk_attribute, object_id,
        object_operation, updated_by_server_id, update_datetime, object_value_old)
    VALUES ('bench', 'sales_order', 'order_id', OLD.order_id, 'D', 'one', strftime('%Y-%m-%d %H:%M:%f', 'now'),
        json_object('order_id', OLD.order_id, 'order_type', OLD.order_type, 'description', OLD.description,
            'product_type_name', OLD.product_type_name, 'customer_id', OLD.customer_id, 'quantity', OLD.quantity,
            'order_date', OLD.order_date, 'update_datetime', OLD.update_datetime,
            'updated_by_user', OLD.updated_by_user, 'updated_by_server', OLD.updated_by_server));
END;
-- next --
CREATE TRIGGER bare_update_order_type AFTER UPDATE OF order_type ON sales_order
WHEN OLD.order_type IS NOT NEW.order_type BEGIN
    INSERT INTO bare_outbox (object_database, object_table, object_pk_attribute, object_attribute, object_id,
        object_value, object_operation, updated_by_server_id, update_datetime, updated_by_user_id, object_value_old)
    VALUES ('bench', 'sales_order', 'order_id', 'order_type', NEW.order_id,
        NEW.order_type, 'U', 'one', NEW.update_datetime, NEW.updated_by_user, OLD.order_type);
END;
-- next --
CREATE TRIGGER bare_update_description AFTER UPDATE OF description ON sales_order
WHEN OLD.description IS NOT NEW.description BEGIN
    INSERT INTO bare_outbox (object_database, object_table, object_pk_attribute, object_attribute, object_id,
        object_value, object_operation, updated_by_server_id, update_datetime, updated_by_user_id, object_value_old)
    VALUES ('bench', 'sales_order', 'order_id', 'description', NEW.order_id,
        NEW.description, 'U', 'one', NEW.update_datetime, NEW.updated_by_user, OLD.description);
END;
-- next --
CREATE TRIGGER bare_update_product_type_name AFTER UPDATE OF product_type_name ON sales_order
WHEN OLD.product_type_name IS NOT NEW.product_type_name BEGIN
    INSERT INTO bare_outbox (object_database, object_table, object_pk_attribute, object_attribute, object_id,
        object_value, object_operation, updated_by_server_id, update_datetime, updated_by_user_id, object_value_old)
    VALUES ('bench', 'sales_order', 'order_id', 'product_type_name', NEW.order_id,
        NEW.product_type_name, 'U', 'one', NEW.update_datetime, NEW.updated_by_user, OLD.product_type_name);
END;
-- next --
CREATE TRIGGER bare_update_customer_id AFTER UPDATE OF customer_id ON sales_order
WHEN OLD.customer_id IS NOT NEW.customer_id BEGIN
    INSERT INTO bare_outbox (object_database, object_table, object_pk_attribute, object_attribute, object_id,
        object_value, object_operation, updated_by_server_id, update_datetime, updated_by_user_id, object_value_old)
    VALUES ('bench', 'sales_order', 'order_id', 'customer_id', NEW.order_id,
        NEW.customer_id, 'U', 'one', NEW.update_datetime, NEW.updated_by_user, OLD.customer_id);
END;
-- next --
CREATE TRIGGER bare_update_quantity AFTER UPDATE OF quantity ON sales_order
WHEN OLD.quantity IS NOT NEW.quantity BEGIN
    INSERT INTO bare_outbox (object_database, object_table, object_pk_attribute, object_attribute, object_id,
        object_value, object_operation, updated_by_server_id, update_datetime, updated_by_user_id, object_value_old)
    VALUES ('bench', 'sales_order', 'order_id', 'quantity', NEW.order_id,
        NEW.quantity, 'U', 'one', NEW.update_datetime, NEW.updated_by_user, OLD.quantity);
END;
-- next --
CREATE TRIGGER bare_update_order_date AFTER UPDATE OF order_date ON sales_order
WHEN OLD.order_date IS NOT NEW.order_date BEGIN
    INSERT INTO bare_outbox (object_database, object_table, object_pk_attribute, object_attribute, object_id,
        object_value, object_operation, updated_by_server_id, update_datetime, updated_by_user_id, object_value_old)
    VALUES ('bench', 'sales_order', 'order_id', 'order_date', NEW.order_id,
        NEW.order_date, 'U', 'one', NEW.update_datetime, NEW.updated_by_user, OLD.order_date);
END;
-- ceiling --
CREATE TABLE ceiling_inbox (
    id INTEGER PRIMARY KEY,
    object_id TEXT,
    object_attribute TEXT,
    object_value TEXT,
    object_operation TEXT
);
-- ceiling_out --
SELECT id, object_id, object_attribute, object_value, object_operation FROM ds_change_outbox
WHERE id > {last} ORDER BY id LIMIT {page}
-- ceiling_updates --
UPDATE sales_order SET quantity = CAST(?2 AS INTEGER) WHERE order_id = ?1
-- ceiling_inserts --
INSERT INTO sales_order
SELECT ?1, d.value ->> 'order_type', d.value ->> 'description', d.value ->> 'product_type_name', d.value ->> 'customer_id',
    CAST(d.value ->> 'quantity' AS INTEGER), d.value ->> 'order_date', d.value ->> 'update_datetime',
    d.value ->> 'updated_by_user', d.value ->> 'updated_by_server'
FROM (SELECT ?2 AS value) AS d
