CREATE TABLE `country` (
  `country_id` int NOT NULL,
  `name` varchar(60) DEFAULT NULL,
  `changed_at` datetime(6) DEFAULT NULL,
  PRIMARY KEY (`country_id`)
);
CREATE TABLE `city` (
  `city_id` int NOT NULL,
  `name` varchar(60) DEFAULT NULL,
  `country_id` int DEFAULT NULL,
  `changed_at` datetime(6) DEFAULT NULL,
  PRIMARY KEY (`city_id`),
  CONSTRAINT `fk_city_country` FOREIGN KEY (`country_id`) REFERENCES `country` (`country_id`)
);
CREATE TABLE `warehouse` (
  `warehouse_id` int NOT NULL,
  `name` varchar(60) DEFAULT NULL,
  `city_id` int DEFAULT NULL,
  `changed_at` datetime(6) DEFAULT NULL,
  PRIMARY KEY (`warehouse_id`),
  CONSTRAINT `fk_warehouse_city` FOREIGN KEY (`city_id`) REFERENCES `city` (`city_id`)
);
CREATE TABLE `supplier` (
  `supplier_id` int NOT NULL,
  `name` varchar(60) DEFAULT NULL,
  `city_id` int DEFAULT NULL,
  `changed_at` datetime(6) DEFAULT NULL,
  PRIMARY KEY (`supplier_id`),
  CONSTRAINT `fk_supplier_city` FOREIGN KEY (`city_id`) REFERENCES `city` (`city_id`)
);
CREATE TABLE `product` (
  `product_id` int NOT NULL,
  `name` varchar(60) DEFAULT NULL,
  `supplier_id` int DEFAULT NULL,
  `changed_at` datetime(6) DEFAULT NULL,
  PRIMARY KEY (`product_id`),
  CONSTRAINT `fk_product_supplier` FOREIGN KEY (`supplier_id`) REFERENCES `supplier` (`supplier_id`)
);
CREATE TABLE `stock` (
  `stock_id` int NOT NULL,
  `name` varchar(60) DEFAULT NULL,
  `warehouse_id` int DEFAULT NULL,
  `product_id` int DEFAULT NULL,
  `changed_at` datetime(6) DEFAULT NULL,
  PRIMARY KEY (`stock_id`),
  CONSTRAINT `fk_stock_warehouse` FOREIGN KEY (`warehouse_id`) REFERENCES `warehouse` (`warehouse_id`),
  CONSTRAINT `fk_stock_product` FOREIGN KEY (`product_id`) REFERENCES `product` (`product_id`)
);
CREATE TABLE `customer` (
  `customer_id` int NOT NULL,
  `name` varchar(60) DEFAULT NULL,
  `city_id` int DEFAULT NULL,
  `changed_at` datetime(6) DEFAULT NULL,
  PRIMARY KEY (`customer_id`),
  CONSTRAINT `fk_customer_city` FOREIGN KEY (`city_id`) REFERENCES `city` (`city_id`)
);
CREATE TABLE `basket` (
  `basket_id` int NOT NULL,
  `name` varchar(60) DEFAULT NULL,
  `customer_id` int DEFAULT NULL,
  `changed_at` datetime(6) DEFAULT NULL,
  PRIMARY KEY (`basket_id`),
  CONSTRAINT `fk_basket_customer` FOREIGN KEY (`customer_id`) REFERENCES `customer` (`customer_id`)
);
CREATE TABLE `basket_item` (
  `basket_item_id` int NOT NULL,
  `name` varchar(60) DEFAULT NULL,
  `basket_id` int DEFAULT NULL,
  `product_id` int DEFAULT NULL,
  `changed_at` datetime(6) DEFAULT NULL,
  PRIMARY KEY (`basket_item_id`),
  CONSTRAINT `fk_basket_item_basket` FOREIGN KEY (`basket_id`) REFERENCES `basket` (`basket_id`),
  CONSTRAINT `fk_basket_item_product` FOREIGN KEY (`product_id`) REFERENCES `product` (`product_id`)
);
CREATE TABLE `shipment` (
  `shipment_id` int NOT NULL,
  `name` varchar(60) DEFAULT NULL,
  `basket_id` int DEFAULT NULL,
  `warehouse_id` int DEFAULT NULL,
  `changed_at` datetime(6) DEFAULT NULL,
  PRIMARY KEY (`shipment_id`),
  CONSTRAINT `fk_shipment_basket` FOREIGN KEY (`basket_id`) REFERENCES `basket` (`basket_id`),
  CONSTRAINT `fk_shipment_warehouse` FOREIGN KEY (`warehouse_id`) REFERENCES `warehouse` (`warehouse_id`)
);
CREATE TABLE `invoice` (
  `invoice_id` int NOT NULL,
  `name` varchar(60) DEFAULT NULL,
  `basket_id` int DEFAULT NULL,
  `changed_at` datetime(6) DEFAULT NULL,
  PRIMARY KEY (`invoice_id`),
  CONSTRAINT `fk_invoice_basket` FOREIGN KEY (`basket_id`) REFERENCES `basket` (`basket_id`)
);
CREATE TABLE `payment` (
  `payment_id` int NOT NULL,
  `name` varchar(60) DEFAULT NULL,
  `invoice_id` int DEFAULT NULL,
  `changed_at` datetime(6) DEFAULT NULL,
  PRIMARY KEY (`payment_id`),
  CONSTRAINT `fk_payment_invoice` FOREIGN KEY (`invoice_id`) REFERENCES `invoice` (`invoice_id`)
);
CREATE TABLE `audit_log` (`id` int NOT NULL, `text` text, PRIMARY KEY (`id`));
