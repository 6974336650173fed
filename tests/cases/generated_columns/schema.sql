CREATE TABLE `invoice_line` (
  `id` int NOT NULL,
  `quantity` decimal(10,3) NOT NULL,
  `price` decimal(10,2) NOT NULL,
  `total` decimal(18,2) GENERATED ALWAYS AS (`quantity` * `price`) STORED,
  `label` varchar(60) GENERATED ALWAYS AS (concat('line ', `id`)) VIRTUAL,
  `changed_at` datetime(6) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
