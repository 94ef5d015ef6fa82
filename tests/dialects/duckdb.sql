-- a plain query is left alone
SELECT n FROM t WHERE a = 7;
-- same

-- division gives fractions
SELECT a / 2, a / b, x / 0.5 FROM t;
SELECT CAST(a AS REAL) / 2, dialect_divide(a, b), CAST(x AS REAL) / 0.5 FROM t;

-- division by zero is infinite
SELECT 7 / a FROM t WHERE id = 5;
SELECT dialect_divide(7, a) FROM t WHERE id = 5;

-- whole division
SELECT a // 2, a // b, x // 2 FROM t;
SELECT a / 2, a / dialect_nonzero(b), x / 2 FROM t;

-- remainders
SELECT a % 2, x % 2, a % b FROM t;
SELECT dialect_remainder(a, 2), dialect_remainder(x, 2), dialect_remainder(a, b) FROM t;

-- rounding
SELECT round(x, 1), round(x), round(a, -1), round(2.345::double, 2), round(-2.5::double) FROM t;
SELECT dialect_round_binary(x, 1), dialect_round_binary(x, 0), dialect_round_binary(a, -1), dialect_round_binary(dialect_real(2.345), 2), dialect_round_binary(-dialect_real(2.5), 0) FROM t;

-- powers
SELECT 2 ** 3, power(2, 0.5);
SELECT POWER(2, 3), POWER(2, 0.5);

-- NULLs come last
SELECT a FROM t ORDER BY a;
SELECT a FROM t ORDER BY a NULLS LAST;

-- NULLs come last, descending too
SELECT a FROM t ORDER BY a DESC;
-- same

-- GROUP BY ALL and ORDER BY ALL
SELECT a, sum(b) FROM t GROUP BY ALL ORDER BY ALL;
SELECT a, SUM(b) FROM t GROUP BY 1 ORDER BY 1 NULLS LAST, 2 NULLS LAST;

-- QUALIFY
SELECT id, n FROM t QUALIFY row_number() OVER (PARTITION BY a ORDER BY id) = 1 ORDER BY id DESC LIMIT 3;
SELECT "id", "n" FROM (SELECT id AS "id", n AS "n", ROW_NUMBER() OVER (PARTITION BY a ORDER BY id NULLS LAST) = 1 AS hidden FROM t) AS qualified WHERE hidden ORDER BY "id" DESC LIMIT 3;

-- QUALIFY by the name of a column
SELECT id, row_number() OVER (PARTITION BY a ORDER BY id) AS rn FROM t QUALIFY rn = 1;
SELECT "id", "rn" FROM (SELECT id AS "id", ROW_NUMBER() OVER (PARTITION BY a ORDER BY id NULLS LAST) AS "rn", (ROW_NUMBER() OVER (PARTITION BY a ORDER BY id NULLS LAST)) = 1 AS hidden FROM t) AS qualified WHERE hidden;

-- FROM first
FROM u SELECT a WHERE a = 7;
SELECT a FROM u WHERE a = 7;

-- FROM alone
FROM u;
SELECT * FROM u;

-- range
SELECT range FROM range(3);
SELECT range FROM (SELECT value AS range FROM (WITH RECURSIVE series(value) AS (SELECT 0 WHERE 0 < 3 UNION ALL SELECT value + 1 FROM series WHERE value + 1 < 3) SELECT value FROM series) AS series) AS range;

-- range with a step
SELECT v FROM range(1, 10, 3) AS r(v);
SELECT v FROM (SELECT value AS v FROM (WITH RECURSIVE series(value) AS (SELECT 1 WHERE 1 < 10 UNION ALL SELECT value + 3 FROM series WHERE value + 3 < 10) SELECT value FROM series) AS series) AS r;

-- series
SELECT generate_series FROM generate_series(1, 3);
SELECT generate_series FROM (SELECT value AS generate_series FROM (WITH RECURSIVE series(value) AS (SELECT 1 WHERE 1 <= 3 UNION ALL SELECT value + 1 FROM series WHERE value + 1 <= 3) SELECT value FROM series) AS series) AS generate_series;

-- LIKE tells cases apart
SELECT n LIKE 'a%', n NOT LIKE 'a%', n LIKE '%[%' FROM t;
SELECT n GLOB 'a*', NOT n GLOB 'a*', n GLOB '*[[]*' FROM t;

-- ILIKE knows all letters
SELECT n ILIKE 'A%', n ILIKE '%é%' FROM t;
SELECT n LIKE 'A%', dialect_ilike(n, '%é%', '') FROM t;

-- dates are shifted
SELECT d + INTERVAL 1 MONTH, ts - INTERVAL 2 HOUR FROM t;
SELECT dialect_shift(d, '1', 'month'), dialect_shift(ts, '-2', 'hour') FROM t;

-- parts of dates
SELECT year(d), extract(dow from d), extract(second from ts) FROM t;
SELECT dialect_extract('year', d), dialect_extract('dow', d), dialect_extract('whole_second', ts) FROM t;

-- date_trunc
SELECT date_trunc('month', ts), date_trunc('week', d) FROM t;
SELECT dialect_date_trunc('month', ts), dialect_date_trunc('week', d) FROM t;

-- TRY_CAST
SELECT TRY_CAST(n AS INTEGER), TRY_CAST('12' AS INT), TRY_CAST(n AS DATE) FROM t;
SELECT dialect_try_integer(n, 32), dialect_try_integer('12', 32), dialect_try_date(n) FROM t;

-- casts
SELECT 2.5::int, '7'::int, 2.345::decimal(10,2), a::double, a::varchar FROM t;
SELECT dialect_integer(dialect_round(2.5, 0), 32), dialect_integer('7', 32), dialect_round(dialect_real(2.345), 2), dialect_real(a), dialect_text(a) FROM t;

-- greatest passes over NULL
SELECT greatest(a, b), least(a, NULL) FROM t;
SELECT MAX(COALESCE(a, b), COALESCE(b, a)), MIN(COALESCE(a, NULL), COALESCE(NULL, a)) FROM t;

-- concat passes over NULL
SELECT concat(a, n), a || 'x' FROM t;
-- same

-- parts of texts
SELECT substr(n, 2), left(n, 1), right(n, 1), instr(n, 'd'), split_part(n, 'd', 1) FROM t;
SELECT SUBSTRING(n, 2), SUBSTRING(n, 1, 1), SUBSTRING(n, -1), INSTR(n, 'd'), dialect_split_part(n, 'd', 1) FROM t;

-- letters beyond ASCII
SELECT upper(n), lower(n), reverse(n), length(n) FROM t;
SELECT dialect_upper(n), dialect_lower(n), dialect_reverse(n), LENGTH(n) FROM t;

-- dates as literals
SELECT DATE '2024-01-01', d::timestamp, ts::date FROM t;
SELECT '2024-01-01', dialect_timestamp(d), dialect_date(ts) FROM t;

-- string_agg
SELECT string_agg(n, ',' ORDER BY n) FROM t;
SELECT GROUP_CONCAT(n, ',' ORDER BY n NULLS LAST) FROM t;

-- aggregates
SELECT count(*), sum(a), avg(a), min(n), max(x), count(DISTINCT a) FROM t;
-- same

-- joins
SELECT t.id, u.n FROM t FULL JOIN u ON t.a = u.a;
-- same

-- joins with a comma
SELECT t.id, upper(u.n) FROM t, u WHERE t.a = u.a;
SELECT t.id, dialect_upper(u.n) FROM t, u WHERE t.a = u.a;

-- rows of values
SELECT x FROM (VALUES (1), (2)) AS v(x);
SELECT x FROM (SELECT column1 AS "x" FROM (VALUES (1), (2))) AS v;

-- an upsert
INSERT INTO u(id, a, n) VALUES (1, 5, 'x') ON CONFLICT (id) DO UPDATE SET n = excluded.n;
-- same

-- INSERT OR IGNORE
INSERT OR IGNORE INTO u VALUES (1, 1, 'x');
-- same

-- INSERT OR REPLACE of some columns
INSERT OR REPLACE INTO u(id, n) VALUES (1, 'x');
-- refused: INSERT OR REPLACE INTO u (id, n) VALUES (1, 'x'): SQLite would set the other columns to their defaults: ON CONFLICT

-- DELETE USING
DELETE FROM u USING t WHERE t.a = u.a;
DELETE FROM u WHERE EXISTS(SELECT 1 FROM t WHERE t.a = u.a);

-- a table
CREATE TABLE w(id INTEGER PRIMARY KEY, x DOUBLE, y VARCHAR, z DECIMAL(10, 2));
CREATE TABLE w (id INTEGER PRIMARY KEY, x REAL, y TEXT, z REAL);

-- huge numbers
CREATE TABLE w(id HUGEINT PRIMARY KEY);
-- refused: id INT128 PRIMARY KEY: SQLite has no such type

-- stars with exceptions
SELECT * EXCLUDE (a) FROM u;
-- refused: * EXCLUDE (a): has no equivalent in SQLite that is known to be the same

-- lists
SELECT [1, 2];
-- refused: SELECT [1, 2]: has no equivalent in SQLite that is known to be the same

-- structs
SELECT {'a': 1};
-- refused: {'a': 1}: has no equivalent in SQLite that is known to be the same

-- slices
SELECT 'abc'[1:2];
-- refused: 'abc'[1:2]: has no equivalent in SQLite that is known to be the same

-- semi joins
SELECT a FROM t SEMI JOIN u USING (a);
-- refused: SEMI JOIN u USING (a): SQLite has no join of this kind

-- ASOF joins
SELECT t.a FROM t ASOF JOIN u ON t.a >= u.a;
-- refused: ASOF JOIN u ON t.a >= u.a: SQLite has no join of this kind

-- samples
SELECT a FROM t USING SAMPLE 1;
-- refused: TABLESAMPLE RESERVOIR (1 ROWS): has no equivalent in SQLite that is known to be the same

-- PIVOT
PIVOT t ON a USING sum(b);
-- refused: PIVOT t ON a USING SUM(b): has no equivalent in SQLite that is known to be the same

-- functions of several values
SELECT max(a, 2) FROM t;
-- refused: MAX(a, 2): has no equivalent in SQLite that is known to be the same

-- formats of dates
SELECT strftime(d, '%Y') FROM t;
-- refused: STRFTIME(d, '%Y'): has no equivalent in SQLite that is known to be the same

-- random numbers
SELECT random();
-- refused: RANDOM(): has no equivalent in SQLite that is known to be the same

-- bits
SELECT a << 1 FROM t;
-- refused: SELECT a << 1 FROM t: has no equivalent in SQLite that is known to be the same

-- insert by name
INSERT INTO u BY NAME SELECT 1 AS id;
-- refused: INSERT INTO u BY NAME SELECT 1 AS id: has no equivalent in SQLite that is known to be the same
