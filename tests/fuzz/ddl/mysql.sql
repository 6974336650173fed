/*!40101 SET NAMES utf8mb4 */;
DROP TABLE IF EXISTS `a`;
/*!50503 SET character_set_client = utf8mb4 */;
CREATE TABLE `a` (
  `id` int(10) unsigned zerofill NOT NULL AUTO_INCREMENT COMMENT 'it''s; \'x\'',
  `e` enum('x','y') CHARACTER SET latin1 COLLATE latin1_bin DEFAULT 'x',
  `j` longtext DEFAULT NULL CHECK (json_valid(`j`)),
  `v` int GENERATED ALWAYS AS (`id` + 1) VIRTUAL /*!80023 INVISIBLE */,
  `t` timestamp(6) NOT NULL DEFAULT current_timestamp(6) ON UPDATE current_timestamp(6),
  PRIMARY KEY (`id`), UNIQUE KEY `u` (`e`(10),`t` DESC), KEY `f` ((lower(`e`))), FULLTEXT KEY (`j`),
  CONSTRAINT `c` FOREIGN KEY (`v`) REFERENCES `b` (`id`) ON DELETE SET NULL ON UPDATE CASCADE
) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4
/*!50100 PARTITION BY RANGE (`id`) (PARTITION p0 VALUES LESS THAN (10) ENGINE = InnoDB) */;
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 TRIGGER t AFTER INSERT ON a FOR EACH ROW BEGIN
  IF NEW.id > 0 THEN SET @x = CASE WHEN 1 THEN 'a;' ELSE 'b' END; END IF; END */;;
DELIMITER ;
INSERT INTO `a` VALUES (1,'x\\',_binary '\0'),(2,NULL,"y");
ALTER TABLE `a` ADD COLUMN `z` bit(1) DEFAULT b'0' AFTER `id`, MODIFY `e` SET('a','b') FIRST, DROP KEY `u`;
# comment
