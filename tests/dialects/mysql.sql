-- a plain query is left alone
SELECT n AS name FROM t WHERE a = 7 ORDER BY a;
-- same
-- [('ada',), ('É%[x',)]

-- double quotes are texts
SELECT "it""s", 'it\'s', `n` FROM t WHERE id = 1;
SELECT 'it"s', 'it''s', "n" FROM t WHERE id = 1;
-- [('it"s', "it's", 'ada')]

-- LIMIT with an offset in front
SELECT id FROM t ORDER BY id LIMIT 2, 3;
-- same
-- [(3,), (4,), (5,)]

-- division gives fractions
SELECT 7 / 2, a / 2, 7 DIV 2, -7 DIV 2, 7 / 0 FROM t WHERE id = 1;
SELECT CAST(7 AS REAL) / 2, CAST(a AS REAL) / 2, CAST(7 / 2 AS INTEGER), CAST(-7 / 2 AS INTEGER), CAST(7 AS REAL) / 0 FROM t WHERE id = 1;
-- [(3.5, 3.5, 3, -3, None)]

-- remainders
SELECT 7 % 3, x MOD 2, a % 0 FROM t WHERE id = 1;
SELECT dialect_remainder(7, 3), dialect_remainder(x, 2), dialect_remainder(a, NULLIF(0, 0)) FROM t WHERE id = 1;
-- [(1, 0.25, None)]

-- LIKE does not tell cases apart
SELECT n FROM t WHERE n LIKE 'a%' ORDER BY id;
-- same
-- [('ada',), ('Ada',)]

-- LIKE with a backslash
SELECT n FROM t WHERE n LIKE '%\%[x';
SELECT n FROM t WHERE n LIKE '%\%[x' ESCAPE '\';
-- [('É%[x',)]

-- double bars are OR
SELECT 0 || 1, 1 && 0;
SELECT 0 OR 1, 1 AND 0;
-- [(1, 0)]

-- CONCAT with NULL is NULL
SELECT CONCAT(n, '!', a), CONCAT(n, NULL) FROM t WHERE id = 1;
SELECT (n || '!' || a), (n || NULL) FROM t WHERE id = 1;
-- [('ada!7', None)]

-- a comparison that is never NULL
SELECT a <=> NULL, a <=> 7 FROM t WHERE id = 3;
SELECT a IS NOT DISTINCT FROM NULL, a IS NOT DISTINCT FROM 7 FROM t WHERE id = 3;
-- [(1, 0)]

-- IF and IFNULL
SELECT IF(a > 0, 'p', 'n'), IFNULL(a, 0) FROM t WHERE id = 2;
-- same
-- [('n', -7)]

-- LENGTH counts bytes
SELECT LENGTH('é'), CHAR_LENGTH('é');
SELECT OCTET_LENGTH('é'), LENGTH('é');
-- [(2, 1)]

-- GREATEST with NULL is NULL
SELECT GREATEST(1, 2), GREATEST(1, NULL), LEAST(2, 1);
SELECT MAX(1, 2), MAX(1, NULL), MIN(2, 1);
-- [(2, None, 1)]

-- INSTR does not tell cases apart
SELECT LOCATE('A', 'ada'), INSTR('ada', 'D');
SELECT INSTR(dialect_lower('ada'), dialect_lower('A')), INSTR(dialect_lower('ada'), dialect_lower('D'));
-- [(1, 2)]

-- the ends of texts
SELECT LEFT(n, 2), RIGHT(n, 2), SUBSTRING(n, 2, 1) FROM t WHERE id = 1;
SELECT SUBSTRING(n, 1, 2), SUBSTRING(n, -2), SUBSTRING(n, 2, 1) FROM t WHERE id = 1;
-- [('ad', 'da', 'd')]

-- dates are shifted
SELECT DATE_ADD(d, INTERVAL 1 MONTH), d - INTERVAL 1 DAY, DATE_ADD(ts, INTERVAL 1 HOUR) FROM t WHERE id = 1;
SELECT dialect_shift_date(d, '1', 'month'), dialect_shift_date(d, '-1', 'day'), dialect_shift_date(ts, '1', 'hour') FROM t WHERE id = 1;
-- [('2024-02-29', '2024-01-30', '2024-05-06 08:08:09')]

-- parts of dates
SELECT YEAR(d), MONTH(d), DAY(d), EXTRACT(YEAR FROM ts), DATE(ts) FROM t WHERE id = 1;
SELECT dialect_extract('year', d), dialect_extract('month', d), dialect_extract('day', d), dialect_extract('year', ts), dialect_try_date(ts) FROM t WHERE id = 1;
-- [(2024, 1, 31, 2024, '2024-05-06')]

-- GROUP_CONCAT
SELECT GROUP_CONCAT(n ORDER BY id SEPARATOR ';') FROM t WHERE a = 7;
SELECT GROUP_CONCAT(n, ';' ORDER BY id) FROM t WHERE a = 7;
-- [('ada;É%[x',)]

-- casts take what a text begins with
SELECT CAST('12abc' AS SIGNED), CAST('x' AS SIGNED), CAST(2.5 AS SIGNED), CAST(a AS CHAR) FROM t WHERE id = 1;
SELECT dialect_signed('12abc'), dialect_signed('x'), dialect_signed(2.5), dialect_text(a) FROM t WHERE id = 1;
-- [(12, 0, 3, '7')]

-- wrong dates are NULL
SELECT CAST('2024-02-30' AS DATE), CAST('2024-02-29' AS DATE);
SELECT dialect_try_date('2024-02-30'), dialect_try_date('2024-02-29');
-- [(None, '2024-02-29')]

-- formats of dates
SELECT DATE_FORMAT(d, '%Y') FROM t;
-- refused: CAST(d AS DATETIME): has no equivalent in SQLite that is known to be the same

-- regular expressions
SELECT n REGEXP 'a' FROM t;
-- refused: REGEXP_LIKE(n, 'a'): has no equivalent in SQLite that is known to be the same

-- XOR
SELECT a XOR b FROM t;
-- refused: SELECT a XOR b FROM t: has no equivalent in SQLite that is known to be the same

-- operators that bind differently
SELECT a = b = 1 FROM t;
-- refused: a = b = 1: the dialects bind these differently: parenthesize

-- what only MySQL's comments say
SELECT /*! STRAIGHT_JOIN */ a FROM t;
-- refused: /*! STRAIGHT_: comments that are run are not supported

-- two minus signs
SELECT 1--1;
-- refused: --1: write a blank: in MySQL this is no comment

-- hints
SELECT a FROM t FORCE INDEX (i);
-- refused: FORCE INDEX (i): has no equivalent in SQLite that is known to be the same

-- user variables
SELECT @x;
-- refused: SELECT @x: has no equivalent in SQLite that is known to be the same

-- rows locked
SELECT a FROM t FOR UPDATE;
-- refused: FOR UPDATE: has no equivalent in SQLite that is known to be the same

-- INSERT IGNORE
INSERT IGNORE INTO u VALUES (1, 1, 'x'), (5, 5, 'y');
INSERT OR IGNORE INTO u VALUES (1, 1, 'x'), (5, 5, 'y');
-- [(1, 7, 'seven'), (2, 0, 'zero'), (3, 9, None), (5, 5, 'y')]

-- REPLACE
REPLACE INTO u VALUES (1, 1, 'x');
INSERT OR REPLACE INTO u VALUES (1, 1, 'x');
-- [(1, 1, 'x'), (2, 0, 'zero'), (3, 9, None)]

-- ON DUPLICATE KEY UPDATE
INSERT INTO u(id, a, n) VALUES (1, 1, 'x'), (9, 9, 'y') ON DUPLICATE KEY UPDATE n = VALUES(n), a = u.a + 100;
INSERT INTO u (id, a, n) VALUES (1, 1, 'x'), (9, 9, 'y') ON CONFLICT DO UPDATE SET n = excluded.n, a = u.a + 100;
-- [(1, 107, 'x'), (2, 0, 'zero'), (3, 109, 'y')]

-- assignments one after the other
UPDATE u SET a = a + 1, n = a;
-- refused: UPDATE u SET a = a + 1, n = a: an assignment reads what another before it has set

-- independent assignments
UPDATE u SET a = a + 100, n = 'x' WHERE id = 1;
-- same
-- [(1, 107, 'x'), (2, 0, 'zero'), (3, 9, None)]

-- UPDATE with LIMIT
UPDATE u SET a = 1 LIMIT 1;
-- refused: UPDATE u SET a = 1 LIMIT 1: has no equivalent in SQLite that is known to be the same

-- UPDATE of a join
UPDATE u JOIN t ON t.a = u.a SET u.n = t.n;
-- refused: u JOIN t ON t.a = u.a: has no equivalent in SQLite that is known to be the same

-- AUTO_INCREMENT
CREATE TABLE w(id INT NOT NULL AUTO_INCREMENT, n VARCHAR(20) COMMENT 'x', u INT UNSIGNED, b TINYINT(1), UNIQUE KEY un (n), PRIMARY KEY (id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='hi';
CREATE TABLE w (id INTEGER PRIMARY KEY NOT NULL, n VARCHAR(20) COLLATE NOCASE, u INTEGER, b TINYINT, UNIQUE (n));

-- AUTO_INCREMENT that is no key
CREATE TABLE w(id INT AUTO_INCREMENT, n INT PRIMARY KEY);
-- refused: id INT AUTO_INCREMENT: only a PRIMARY KEY of this one column numbers itself

-- binary collations
CREATE TABLE w(id INT PRIMARY KEY, n TEXT COLLATE utf8mb4_bin, m LONGTEXT);
CREATE TABLE w (id INTEGER PRIMARY KEY, n TEXT, m TEXT COLLATE NOCASE);

-- collations of a table
CREATE TABLE w(id INT PRIMARY KEY) COLLATE=utf8mb4_bin;
-- refused: COLLATE=utf8mb4_bin: SQLite's tables have no such option

-- KEY in a table
CREATE TABLE w(id INT PRIMARY KEY, n INT, KEY k (n));
-- refused: INDEX k (n): write CREATE INDEX name ON table (...) after CREATE TABLE

-- ENUM
CREATE TABLE w(id INT PRIMARY KEY, e ENUM('a', 'b'));
-- refused: e ENUM('a', 'b'): SQLite has no such type

-- ON UPDATE
CREATE TABLE w(id INT PRIMARY KEY, at TIMESTAMP DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP);
-- refused: ON UPDATE CURRENT_TIMESTAMP(): has no equivalent in SQLite that is known to be the same

-- TRUNCATE
TRUNCATE TABLE u;
DELETE FROM u;
-- []

-- SET
SET NAMES utf8;
-- refused: NAMES utf8: has no equivalent in SQLite that is known to be the same
