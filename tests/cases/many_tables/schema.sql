-- Read in the order of names, whatever the order of definition and of references.
CREATE TABLE `product` (
  `product_id` int NOT NULL,
  `supplier_id` int DEFAULT NULL,
  `name` varchar(60) DEFAULT NULL,
  `changed_at` datetime(6) DEFAULT NULL,
  PRIMARY KEY (`product_id`)
);
CREATE TABLE `supplier` (
  `supplier_id` int NOT NULL,
  `country_id` char(2) DEFAULT NULL,
  `name` varchar(60) DEFAULT NULL,
  `changed_at` datetime(6) DEFAULT NULL,
  PRIMARY KEY (`supplier_id`)
);
ALTER TABLE `product` ADD CONSTRAINT `fk_supplier`
  FOREIGN KEY (`supplier_id`) REFERENCES `supplier` (`supplier_id`) ON DELETE CASCADE;
CREATE TABLE `country` (
  `country_id` char(2) NOT NULL,
  `changed_at` datetime(6) DEFAULT NULL,
  PRIMARY KEY (`country_id`)
);
CREATE TABLE `audit_log` (
  `id` int NOT NULL,
  `text` text,
  PRIMARY KEY (`id`)
);
CREATE TABLE `stock` (
  `warehouse` int NOT NULL,
  `product_id` int NOT NULL,
  `quantity` decimal(12,3) DEFAULT NULL,
  `changed_at` datetime(6) DEFAULT NULL,
  PRIMARY KEY (`warehouse`,`product_id`),
  CONSTRAINT `fk_product` FOREIGN KEY (`product_id`) REFERENCES `product` (`product_id`)
);
