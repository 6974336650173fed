-- thread --
-- Which thread of the server does this session's work: MariaDB says it, Oracle's MySQL only with
-- its performance schema.
SELECT tid AS thread FROM information_schema.processlist WHERE id = CONNECTION_ID();
-- clear --
TRUNCATE TABLE sales_order;
-- clear_outbox --
TRUNCATE TABLE {outbox};
-- statistics --
ANALYZE TABLE sales_order;
-- count --
SELECT count(*) AS changes FROM {outbox};
-- present --
INSERT INTO sales_order
SELECT CONCAT(CASE n.seq % 2 WHEN 0 THEN 'orc' ELSE 'ore' END, LPAD(n.seq, 9, '0')), 'retail', 'old order', 'laptop',
    CONCAT('c', n.seq % 1000), n.seq % 100, '2025-04-25', '2025-04-25 10:30:00', 'mtp', 'one'
FROM seq_1_to_{rows} AS n;
-- source --
CREATE TABLE sales_order_source LIKE sales_order;
-- next --
INSERT INTO sales_order_source
SELECT CONCAT('ord', LPAD(n.seq - 1, 7, '0')), 'retail', 'new order', 'laptop', CONCAT('c', (n.seq - 1) % 1000), (n.seq - 1) % 100,
    '2025-04-25', '2025-04-25 10:30:00', 'mtp', 'one'
FROM seq_1_to_{rows} AS n;
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
-- The bare trigger: what captures columns at the least cost, and protects nothing. On MariaDB that
-- is one IF for each column.
CREATE TABLE bare_outbox (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    object_database LONGTEXT NULL,
    object_table LONGTEXT NULL,
    object_pk_attribute LONGTEXT NULL,
    object_attribute LONGTEXT NULL,
    object_id LONGTEXT NULL,
    object_value LONGTEXT NULL,
    object_operation LONGTEXT NULL,
    object_operation_command LONGTEXT NULL,
    updated_by_server_id VARCHAR(64) NULL,
    update_datetime DATETIME(6) NULL,
    updated_by_user_id LONGTEXT NULL,
    object_id_old LONGTEXT NULL,
    object_value_old LONGTEXT NULL,
    note1 LONGTEXT NULL,
    source_id BIGINT NULL
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- next --
CREATE TRIGGER bare_insert AFTER INSERT ON sales_order FOR EACH ROW BEGIN
    INSERT INTO bare_outbox (object_database, object_table, object_pk_attribute, object_id, object_value,
        object_operation, updated_by_server_id, update_datetime, updated_by_user_id)
    VALUES ('bench', 'sales_order', 'order_id', NEW.order_id,
        JSON_OBJECT('order_id', NEW.order_id, 'order_type', NEW.order_type, 'description', NEW.description,
            'product_type_name', NEW.product_type_name, 'customer_id', NEW.customer_id, 'quantity', NEW.quantity,
            'order_date', NEW.order_date, 'update_datetime', NEW.update_datetime,
            'updated_by_user', NEW.updated_by_user, 'updated_by_server', NEW.updated_by_server),
        'I', 'one', NEW.update_datetime, NEW.updated_by_user);
END;
-- next --
CREATE TRIGGER bare_delete AFTER DELETE ON sales_order FOR EACH ROW BEGIN
    INSERT INTO bare_outbox (object_database, object_table, object_pk_attribute, object_id,
        object_operation, updated_by_server_id, update_datetime, updated_by_user_id, object_value_old)
    VALUES ('bench', 'sales_order', 'order_id', OLD.order_id, 'D', 'one', UTC_TIMESTAMP(6), USER(),
        JSON_OBJECT('order_id', OLD.order_id, 'order_type', OLD.order_type, 'description', OLD.description,
            'product_type_name', OLD.product_type_name, 'customer_id', OLD.customer_id, 'quantity', OLD.quantity,
            'order_date', OLD.order_date, 'update_datetime', OLD.update_datetime,
            'updated_by_user', OLD.updated_by_user, 'updated_by_server', OLD.updated_by_server));
END;
-- next --
CREATE TRIGGER bare_update AFTER UPDATE ON sales_order FOR EACH ROW BEGIN
    IF NOT (NEW.order_type <=> OLD.order_type) THEN
        INSERT INTO bare_outbox (object_database, object_table, object_pk_attribute, object_attribute, object_id,
            object_value, object_operation, updated_by_server_id, update_datetime, updated_by_user_id, object_value_old)
        VALUES ('bench', 'sales_order', 'order_id', 'order_type', NEW.order_id,
            NEW.order_type, 'U', 'one', NEW.update_datetime, NEW.updated_by_user, OLD.order_type);
    END IF;
    IF NOT (NEW.description <=> OLD.description) THEN
        INSERT INTO bare_outbox (object_database, object_table, object_pk_attribute, object_attribute, object_id,
            object_value, object_operation, updated_by_server_id, update_datetime, updated_by_user_id, object_value_old)
        VALUES ('bench', 'sales_order', 'order_id', 'description', NEW.order_id,
            NEW.description, 'U', 'one', NEW.update_datetime, NEW.updated_by_user, OLD.description);
    END IF;
    IF NOT (NEW.product_type_name <=> OLD.product_type_name) THEN
        INSERT INTO bare_outbox (object_database, object_table, object_pk_attribute, object_attribute, object_id,
            object_value, object_operation, updated_by_server_id, update_datetime, updated_by_user_id, object_value_old)
        VALUES ('bench', 'sales_order', 'order_id', 'product_type_name', NEW.order_id,
            NEW.product_type_name, 'U', 'one', NEW.update_datetime, NEW.updated_by_user, OLD.product_type_name);
    END IF;
    IF NOT (NEW.customer_id <=> OLD.customer_id) THEN
        INSERT INTO bare_outbox (object_database, object_table, object_pk_attribute, object_attribute, object_id,
            object_value, object_operation, updated_by_server_id, update_datetime, updated_by_user_id, object_value_old)
        VALUES ('bench', 'sales_order', 'order_id', 'customer_id', NEW.order_id,
            NEW.customer_id, 'U', 'one', NEW.update_datetime, NEW.updated_by_user, OLD.customer_id);
    END IF;
    IF NOT (NEW.quantity <=> OLD.quantity) THEN
        INSERT INTO bare_outbox (object_database, object_table, object_pk_attribute, object_attribute, object_id,
            object_value, object_operation, updated_by_server_id, update_datetime, updated_by_user_id, object_value_old)
        VALUES ('bench', 'sales_order', 'order_id', 'quantity', NEW.order_id,
            NEW.quantity, 'U', 'one', NEW.update_datetime, NEW.updated_by_user, OLD.quantity);
    END IF;
    IF NOT (NEW.order_date <=> OLD.order_date) THEN
        INSERT INTO bare_outbox (object_database, object_table, object_pk_attribute, object_attribute, object_id,
            object_value, object_operation, updated_by_server_id, update_datetime, updated_by_user_id, object_value_old)
        VALUES ('bench', 'sales_order', 'order_id', 'order_date', NEW.order_id,
            NEW.order_date, 'U', 'one', NEW.update_datetime, NEW.updated_by_user, OLD.order_date);
    END IF;
END;
-- ceiling --
CREATE TABLE ceiling_inbox (
    id BIGINT PRIMARY KEY,
    object_id VARCHAR(200),
    object_attribute VARCHAR(128),
    object_value LONGTEXT,
    object_operation CHAR(1)
);
-- ceiling_out --
SELECT id, object_id, object_attribute, object_value, object_operation FROM ds_change_outbox
WHERE id > {last} ORDER BY id LIMIT {page}
-- ceiling_updates --
UPDATE sales_order AS t
INNER JOIN ceiling_inbox AS i ON t.order_id = i.object_id
SET t.quantity = CAST(i.object_value AS SIGNED)
WHERE i.id BETWEEN {first} AND {last}
-- ceiling_inserts --
INSERT INTO sales_order
SELECT JSON_VALUE(i.object_value, '$.order_id'), JSON_VALUE(i.object_value, '$.order_type'),
    JSON_VALUE(i.object_value, '$.description'), JSON_VALUE(i.object_value, '$.product_type_name'),
    JSON_VALUE(i.object_value, '$.customer_id'), JSON_VALUE(i.object_value, '$.quantity'),
    JSON_VALUE(i.object_value, '$.order_date'), JSON_VALUE(i.object_value, '$.update_datetime'),
    JSON_VALUE(i.object_value, '$.updated_by_user'), JSON_VALUE(i.object_value, '$.updated_by_server')
FROM ceiling_inbox AS i
WHERE i.id BETWEEN {first} AND {last}
