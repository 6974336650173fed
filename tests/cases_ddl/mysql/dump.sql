/*M!999999\- enable the sandbox mode */ 
-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)
--
-- ------------------------------------------------------
-- Server version	10.11.19-MariaDB-0+deb12u1

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;
/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;

--
-- Table structure for table `Child`
--

DROP TABLE IF EXISTS `Child`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `Child` (
  `Id` bigint(20) NOT NULL AUTO_INCREMENT,
  `parent` bigint(20) DEFAULT NULL,
  `late` int(11) NOT NULL DEFAULT 0,
  `x` varchar(20) DEFAULT NULL,
  `y` int(11) DEFAULT NULL,
  `data` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`data`)),
  `z` int(10) unsigned DEFAULT NULL,
  PRIMARY KEY (`Id`),
  UNIQUE KEY `u` (`y`,`x`),
  UNIQUE KEY `child_index` (`late` DESC,`y`),
  KEY `fk` (`x`,`y`),
  KEY `z` (`z`),
  KEY `k` (`x`),
  KEY `self` (`parent`),
  CONSTRAINT `Child_ibfk_1` FOREIGN KEY (`z`) REFERENCES `order` (`id`) ON DELETE SET NULL ON UPDATE CASCADE,
  CONSTRAINT `fk` FOREIGN KEY (`x`, `y`) REFERENCES `pair` (`b`, `a`) ON DELETE CASCADE,
  CONSTRAINT `self` FOREIGN KEY (`parent`) REFERENCES `Child` (`Id`) ON DELETE SET NULL,
  CONSTRAINT `CONSTRAINT_1` CHECK (`y` <> 3)
) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `Child`
--

LOCK TABLES `Child` WRITE;
/*!40000 ALTER TABLE `Child` DISABLE KEYS */;
/*!40000 ALTER TABLE `Child` ENABLE KEYS */;
UNLOCK TABLES;
/*!50003 SET @saved_cs_client      = @@character_set_client */ ;
/*!50003 SET @saved_cs_results     = @@character_set_results */ ;
/*!50003 SET @saved_col_connection = @@collation_connection */ ;
/*!50003 SET character_set_client  = utf8mb4 */ ;
/*!50003 SET character_set_results = utf8mb4 */ ;
/*!50003 SET collation_connection  = utf8mb4_general_ci */ ;
/*!50003 SET @saved_sql_mode       = @@sql_mode */ ;
/*!50003 SET sql_mode              = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION' */ ;
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 TRIGGER t AFTER INSERT ON Child FOR EACH ROW BEGIN
  IF NEW.y > 0 THEN SET @x = CASE WHEN 1 THEN 'a;' ELSE 'b' END; END IF;
END 
*/;;
DELIMITER ;
/*!50003 SET sql_mode              = @saved_sql_mode */ ;
/*!50003 SET character_set_client  = @saved_cs_client */ ;
/*!50003 SET character_set_results = @saved_cs_results */ ;
/*!50003 SET collation_connection  = @saved_col_connection */ ;

--
-- Table structure for table `Everything`
--

DROP TABLE IF EXISTS `Everything`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `Everything` (
  `a` tinyint(4) DEFAULT -1,
  `b` int(11) NOT NULL DEFAULT 5,
  `c` bigint(20) unsigned zerofill DEFAULT 00000000000000000007,
  `d` decimal(10,2) DEFAULT 0.00,
  `d2` decimal(10,0) DEFAULT 1,
  `d3` decimal(5,0) DEFAULT NULL,
  `e` float DEFAULT NULL,
  `e2` double DEFAULT NULL,
  `e3` double DEFAULT NULL,
  `f` tinyint(1) DEFAULT 1,
  `f2` tinyint(1) NOT NULL DEFAULT 0,
  `g` char(1) DEFAULT NULL,
  `g2` char(3) DEFAULT 'abc',
  `h` varchar(5) CHARACTER SET ascii COLLATE ascii_bin DEFAULT '5',
  `i` text DEFAULT NULL,
  `j` binary(1) DEFAULT NULL,
  `j2` varbinary(16) DEFAULT NULL,
  `k` blob DEFAULT NULL,
  `l` date DEFAULT '2020-01-02',
  `m` time(3) DEFAULT NULL,
  `n` datetime DEFAULT '2020-01-02 00:00:00',
  `n2` datetime(6) DEFAULT current_timestamp(6),
  `o` timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  `p` timestamp NULL DEFAULT NULL,
  `q` enum('A','b c','it''s') NOT NULL DEFAULT 'A',
  `r` set('x','y') DEFAULT NULL,
  `s` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`s`)),
  `s2` longtext DEFAULT NULL,
  `t` year(4) DEFAULT NULL,
  `u` bit(3) DEFAULT b'101',
  `v` mediumint(9) DEFAULT NULL,
  `w` varchar(9) DEFAULT 'it''s',
  `w2` varchar(9) DEFAULT '',
  `x` int(11) GENERATED ALWAYS AS (`b` * 2) STORED,
  `y` int(11) GENERATED ALWAYS AS (`b` + 1) VIRTUAL,
  `z` varchar(36) DEFAULT uuid(),
  `aa` int(11) DEFAULT (1 + 2 * 3),
  `bb` varchar(4) CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci DEFAULT NULL,
  `cc` double DEFAULT NULL,
  `dd` mediumtext DEFAULT NULL,
  `ee` varchar(20) DEFAULT 'C:\\x',
  CONSTRAINT `CONSTRAINT_1` CHECK (`b` > 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `Everything`
--

LOCK TABLES `Everything` WRITE;
/*!40000 ALTER TABLE `Everything` DISABLE KEYS */;
/*!40000 ALTER TABLE `Everything` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `copy`
--

DROP TABLE IF EXISTS `copy`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `copy` (
  `a` int(11) NOT NULL,
  `b` varchar(20) NOT NULL,
  `c` int(11) DEFAULT NULL,
  `d` text DEFAULT NULL,
  PRIMARY KEY (`b`,`a`) USING BTREE,
  UNIQUE KEY `both_ways` (`a`,`b`),
  UNIQUE KEY `c` (`c`,`a`),
  UNIQUE KEY `prefix` (`d`(10)),
  KEY `plain` (`c`),
  FULLTEXT KEY `words` (`d`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `copy`
--

LOCK TABLES `copy` WRITE;
/*!40000 ALTER TABLE `copy` DISABLE KEYS */;
/*!40000 ALTER TABLE `copy` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `order`
--

DROP TABLE IF EXISTS `order`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `order` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT COMMENT 'it''s; the ''key''',
  `user name` varchar(30) NOT NULL DEFAULT 'x',
  `größe` double DEFAULT -1.5,
  `a"b` varchar(20) DEFAULT NULL,
  `a``b` int(11) DEFAULT NULL,
  `nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn` int(11) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `a"b` (`a"b`)
) ENGINE=InnoDB AUTO_INCREMENT=8 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='x;y';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `order`
--

LOCK TABLES `order` WRITE;
/*!40000 ALTER TABLE `order` DISABLE KEYS */;
INSERT INTO `order` VALUES
(5,'O\'Brien; CREATE TABLE',-1.5,'back\\slash',NULL,NULL),
(6,'# -- /* \"',-1.5,'never (',NULL,NULL),
(7,'\n;\n',-1.5,'CREATE TABLE',NULL,NULL);
/*!40000 ALTER TABLE `order` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `pair`
--

DROP TABLE IF EXISTS `pair`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `pair` (
  `a` int(11) NOT NULL,
  `b` varchar(20) NOT NULL,
  `c` int(11) DEFAULT NULL,
  `d` text DEFAULT NULL,
  PRIMARY KEY (`b`,`a`) USING BTREE,
  UNIQUE KEY `both_ways` (`a`,`b`),
  UNIQUE KEY `c` (`c`,`a`),
  UNIQUE KEY `prefix` (`d`(10)),
  KEY `plain` (`c`),
  FULLTEXT KEY `words` (`d`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `pair`
--

LOCK TABLES `pair` WRITE;
/*!40000 ALTER TABLE `pair` DISABLE KEYS */;
/*!40000 ALTER TABLE `pair` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `sequence`
--

DROP TABLE IF EXISTS `sequence`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `sequence` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `n` int(11) DEFAULT NULL,
  UNIQUE KEY `id` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci
 PARTITION BY HASH (`id`)
PARTITIONS 2;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `sequence`
--

LOCK TABLES `sequence` WRITE;
/*!40000 ALTER TABLE `sequence` DISABLE KEYS */;
/*!40000 ALTER TABLE `sequence` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Temporary table structure for view `v`
--

DROP TABLE IF EXISTS `v`;
/*!50001 DROP VIEW IF EXISTS `v`*/;
SET @saved_cs_client     = @@character_set_client;
SET character_set_client = utf8mb4;
/*!50001 CREATE VIEW `v` AS SELECT
 NULL AS `id` */;
SET character_set_client = @saved_cs_client;

--
-- Dumping routines for database 'dumpcase'
--
/*!50003 SET @saved_sql_mode       = @@sql_mode */ ;
/*!50003 SET sql_mode              = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION' */ ;
/*!50003 DROP PROCEDURE IF EXISTS `p` */;
/*!50003 SET @saved_cs_client      = @@character_set_client */ ;
/*!50003 SET @saved_cs_results     = @@character_set_results */ ;
/*!50003 SET @saved_col_connection = @@collation_connection */ ;
/*!50003 SET character_set_client  = utf8mb4 */ ;
/*!50003 SET character_set_results = utf8mb4 */ ;
/*!50003 SET collation_connection  = utf8mb4_general_ci */ ;
DELIMITER ;;
CREATE DEFINER=`root`@`localhost` PROCEDURE `p`()
BEGIN
  CREATE TABLE never (x int);
  CREATE TEMPORARY TABLE never2 (x int);
END
;;
DELIMITER ;
/*!50003 SET sql_mode              = @saved_sql_mode */ ;
/*!50003 SET character_set_client  = @saved_cs_client */ ;
/*!50003 SET character_set_results = @saved_cs_results */ ;
/*!50003 SET collation_connection  = @saved_col_connection */ ;

--
-- Final view structure for view `v`
--

/*!50001 DROP VIEW IF EXISTS `v`*/;
/*!50001 SET @saved_cs_client          = @@character_set_client */;
/*!50001 SET @saved_cs_results         = @@character_set_results */;
/*!50001 SET @saved_col_connection     = @@collation_connection */;
/*!50001 SET character_set_client      = utf8mb4 */;
/*!50001 SET character_set_results     = utf8mb4 */;
/*!50001 SET collation_connection      = utf8mb4_general_ci */;
/*!50001 CREATE ALGORITHM=UNDEFINED */
/*!50013 DEFINER=`root`@`localhost` SQL SECURITY DEFINER */
/*!50001 VIEW `v` AS select `Child`.`Id` AS `id` from `Child` */;
/*!50001 SET character_set_client      = @saved_cs_client */;
/*!50001 SET character_set_results     = @saved_cs_results */;
/*!50001 SET collation_connection      = @saved_col_connection */;
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;

/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */;
/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;

