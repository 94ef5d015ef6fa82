-- a plain query is left alone
SELECT n AS name FROM t WHERE a = 7 AND n IS NOT NULL;
-- same
-- [('ada',), ('É%[x',)]

-- whole numbers divide to whole numbers
SELECT a / 2, -7 / 2, x / 2 FROM t WHERE id = 1;
-- same
-- [(3, -3, 1.125)]

-- division by zero is an error
SELECT a / 0 FROM t WHERE id = 1;
SELECT a / dialect_nonzero(0) FROM t WHERE id = 1;
-- fails: division by zero

-- a divisor that may be zero is watched
SELECT a / b, a % b FROM t WHERE id IN (1, 2);
SELECT a / dialect_nonzero(b), dialect_remainder(a, b) FROM t WHERE id IN (1, 2);
-- [(3, 1), (-3, -1)]

-- numeric rounds halves away from zero
SELECT round(2.345, 2), round(-2.5, 0), round(15, -1);
SELECT dialect_round(2.345, 2), dialect_round(-2.5, 0), dialect_round(15, -1);
-- [(2.35, -3.0, 20)]

-- how DOUBLE PRECISION would round is not known
SELECT round(x) FROM t;
-- refused: ROUND(x): rounds DOUBLE PRECISION otherwise than NUMERIC: round(x, 0)

-- powers
SELECT 2 ^ 3, power(2, 10);
SELECT POWER(2, 3), POWER(2, 10);
-- [(8.0, 1024.0)]

-- casts to whole numbers round
SELECT 2.5::int, (-2.5)::int, ' 7 '::int;
SELECT dialect_integer(dialect_round(2.5, 0), 32), dialect_integer(dialect_round(-2.5, 0), 32), dialect_integer(' 7 ', 32);
-- [(3, -3, 7)]

-- a half that came from a column has two ways to be rounded
SELECT (x * 2)::int FROM t WHERE id = 1;
SELECT dialect_integer(x * 2, 32) FROM t WHERE id = 1;
-- fails: 4.5 as a whole number: round it first

-- casts of rubbish are errors
SELECT 'abc'::int;
SELECT dialect_integer('abc', 32);
-- fails: 'abc' is no whole number of 32 bits

-- whole numbers have a range
SELECT 3000000000::int;
SELECT dialect_integer(dialect_round(3000000000, 0), 32);
-- fails: 3000000000 is no whole number of 32 bits

-- casts to text
SELECT a::text, n::varchar(2), true::text FROM t WHERE id = 1;
SELECT dialect_text(a), SUBSTRING(dialect_text(n), 1, 2), CASE WHEN TRUE THEN 'true' WHEN NOT (TRUE) THEN 'false' END FROM t WHERE id = 1;
-- [('7', 'ad', 'true')]

-- casts to boolean
SELECT 'yes'::boolean, a::boolean FROM t WHERE id = 1;
SELECT dialect_boolean('yes'), dialect_boolean(a) FROM t WHERE id = 1;
-- [(1, 1)]

-- casts to numeric
SELECT '1.5'::numeric, 1.005::numeric(10,2);
SELECT dialect_real('1.5'), dialect_round(dialect_real(1.005), 2);
-- [(1.5, 1.01)]

-- dates and timestamps
SELECT DATE '2024-01-01', d::timestamp, ts::date FROM t WHERE id = 1;
SELECT '2024-01-01', dialect_timestamp(d), dialect_date(ts) FROM t WHERE id = 1;
-- [('2024-01-01', '2024-01-31 00:00:00', '2024-05-06')]

-- LIKE tells cases apart
SELECT n FROM t WHERE n LIKE 'a%';
SELECT n FROM t WHERE n GLOB 'a*';
-- [('ada',)]

-- LIKE with a backslash
SELECT n FROM t WHERE n LIKE '%\%[_';
SELECT n FROM t WHERE n GLOB '*%[[]?';
-- [('É%[x',)]

-- LIKE with another escape
SELECT n FROM t WHERE n LIKE '%!%%' ESCAPE '!';
SELECT n FROM t WHERE n GLOB '*%*';
-- [('É%[x',)]

-- NOT LIKE
SELECT n FROM t WHERE n NOT LIKE '%a';
SELECT n FROM t WHERE NOT n GLOB '*a';
-- [('grace',), ('É%[x',), ('',)]

-- a pattern that is no literal
SELECT n FROM t WHERE n LIKE n;
SELECT n FROM t WHERE dialect_like(n, n, '\');
-- [('ada',), ('Ada',), ('grace',), ('É%[x',), ('',)]

-- ILIKE does not tell cases apart
SELECT n FROM t WHERE n ILIKE 'a%' ORDER BY id NULLS FIRST;
SELECT n FROM t WHERE n LIKE 'a%' ORDER BY id;
-- [('ada',), ('Ada',)]

-- NULLs come last
SELECT a FROM t WHERE id > 2 ORDER BY a;
SELECT a FROM t WHERE id > 2 ORDER BY a NULLS LAST;
-- [(0,), (7,), (None,), (None,)]

-- and first if descending
SELECT a FROM t WHERE id > 2 ORDER BY a DESC;
SELECT a FROM t WHERE id > 2 ORDER BY a DESC NULLS FIRST;
-- [(None,), (None,), (7,), (0,)]

-- as in SQLite if it is said so
SELECT a FROM t ORDER BY a NULLS FIRST;
-- same
-- [(None,), (None,), (-7,), (0,), (7,), (7,)]

-- DISTINCT ON
SELECT DISTINCT ON (a) a, id FROM t ORDER BY a, id DESC;
SELECT "a", "id" FROM (SELECT a AS "a", id AS "id", ROW_NUMBER() OVER (PARTITION BY a ORDER BY a NULLS LAST, id DESC NULLS FIRST) AS hidden FROM t) AS qualified WHERE hidden = 1 ORDER BY "a" NULLS LAST, "id" DESC NULLS FIRST;
-- [(-7, 2), (0, 5), (7, 4), (None, 6)]

-- DISTINCT ON of all columns
SELECT DISTINCT ON (a) * FROM t ORDER BY a, id DESC;
-- refused: SELECT DISTINCT ON (a) * FROM t ORDER BY a, id DESC: DISTINCT ON and QUALIFY need the columns by name, not *

-- date_trunc
SELECT date_trunc('month', ts), date_trunc('week', ts), date_trunc('quarter', ts) FROM t WHERE id = 1;
SELECT dialect_date_trunc('month', ts), dialect_date_trunc('week', ts), dialect_date_trunc('quarter', ts) FROM t WHERE id = 1;
-- [('2024-05-01 00:00:00', '2024-05-06 00:00:00', '2024-04-01 00:00:00')]

-- extract
SELECT extract(year from ts), extract(dow from d), extract(epoch from ts), date_part('hour', ts) FROM t WHERE id = 1;
SELECT dialect_extract('year', ts), dialect_extract('dow', d), dialect_extract('epoch', ts), dialect_extract('hour', ts) FROM t WHERE id = 1;
-- [(2024, 3, 1714979289.0, 7)]

-- an interval of a month ends with the month
SELECT d + interval '1 month', ts - interval '90 minutes' FROM t WHERE id = 1;
SELECT dialect_shift(d, '1', 'month'), dialect_shift(ts, '-90', 'minute') FROM t WHERE id = 1;
-- [('2024-02-29 00:00:00', '2024-05-06 05:38:09')]

-- intervals of several units
SELECT ts + interval '1 day 2 hours' FROM t;
-- refused: INTERVAL '1 day 2 hours': an interval must be a literal whole number of one unit

-- dates minus dates
SELECT DATE '2024-02-01' - DATE '2024-01-01';
-- refused: CAST('2024-02-01' AS DATE) - CAST('2024-01-01' AS DATE): of times, only time + INTERVAL is known

-- a series as a table
SELECT g FROM generate_series(1, 3) AS g;
SELECT g FROM (SELECT value AS g FROM (WITH RECURSIVE series(value) AS (SELECT 1 WHERE 1 <= 3 UNION ALL SELECT value + 1 FROM series WHERE value + 1 <= 3) SELECT value FROM series) AS series) AS g;
-- [(1,), (2,), (3,)]

-- a series that goes down
SELECT v FROM generate_series(5, 1, -2) AS s(v);
SELECT v FROM (SELECT value AS v FROM (WITH RECURSIVE series(value) AS (SELECT 5 WHERE 5 >= 1 UNION ALL SELECT value - 2 FROM series WHERE value - 2 >= 1) SELECT value FROM series) AS series) AS s;
-- [(5,), (3,), (1,)]

-- a series in the columns
SELECT generate_series(1, 3);
-- refused: GENERATE_SERIES(1, 3): only as a table: FROM generate_series(...)

-- rows without LIMIT
SELECT id FROM t ORDER BY id NULLS FIRST OFFSET 4;
SELECT id FROM t ORDER BY id LIMIT -1 OFFSET 4;
-- [(5,), (6,)]

-- FETCH FIRST
SELECT id FROM t ORDER BY id NULLS FIRST FETCH FIRST 2 ROWS ONLY;
SELECT id FROM t ORDER BY id LIMIT 2;
-- [(1,), (2,)]

-- FETCH FIRST with ties
SELECT id FROM t ORDER BY a FETCH FIRST 2 ROWS WITH TIES;
-- refused: FETCH FIRST 2 ROWS WITH TIES: SQLite counts rows only

-- greatest and least pass over NULL
SELECT greatest(a, b, NULL), least(a, b) FROM t WHERE id = 3;
SELECT MAX(COALESCE(a, b, NULL), COALESCE(b, NULL, a), COALESCE(NULL, a, b)), MIN(COALESCE(a, b), COALESCE(b, a)) FROM t WHERE id = 3;
-- [(3, 3)]

-- IS DISTINCT FROM
SELECT a IS DISTINCT FROM 7 FROM t WHERE id = 3;
-- same
-- [(1,)]

-- concat passes over NULL
SELECT concat(a, n), concat_ws('-', a, n, b) FROM t WHERE id = 3;
-- same
-- [('grace', 'grace-3')]

-- parts of texts
SELECT left(n, 2), right(n, 2), substring(n from 2 for 2), position('a' in n), split_part(n, 'd', 2) FROM t WHERE id = 1;
SELECT SUBSTRING(n, 1, 2), SUBSTRING(n, -2), SUBSTRING(n, 2, 2), INSTR(n, 'a'), dialect_split_part(n, 'd', 2) FROM t WHERE id = 1;
-- [('ad', 'da', 'da', 1, 'a')]

-- padding and trimming
SELECT lpad(n, 5, 'xy'), rpad(n, 5), trim(both 'a' from n) FROM t WHERE id = 1;
SELECT dialect_lpad(n, 5, 'xy'), dialect_rpad(n, 5, ' '), TRIM(n, 'a') FROM t WHERE id = 1;
-- [('xyada', 'ada  ', 'd')]

-- a start before the text
SELECT substr(n, 0, 2) FROM t;
-- refused: SUBSTRING(n FROM 0 FOR 2): start and length must be literal numbers, start from 1, length from 0

-- letters beyond ASCII
SELECT upper('é'), lower('ADA');
SELECT dialect_upper('é'), dialect_lower('ADA');
-- [('É', 'ada')]

-- string_agg in an order
SELECT string_agg(n, ',' ORDER BY n DESC) FROM t WHERE a = 7;
SELECT GROUP_CONCAT(n, ',' ORDER BY n DESC NULLS FIRST) FROM t WHERE a = 7;
-- [('É%[x,ada',)]

-- FILTER and windows
SELECT count(*) FILTER (WHERE a > 0) FROM t;
-- same
-- [(2,)]

-- windows
SELECT id, sum(b) OVER (ORDER BY id NULLS FIRST) FROM t WHERE id < 3;
-- same
-- [(1, 2), (2, 4)]

-- rows of values
SELECT x FROM (VALUES (1, 'a'), (2, 'b')) AS v(x, y) WHERE y = 'b';
SELECT x FROM (SELECT column1 AS "x", column2 AS "y" FROM (VALUES (1, 'a'), (2, 'b'))) AS v WHERE y = 'b';
-- [(2,)]

-- common tables
WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 4) SELECT sum(n) FROM r;
-- same
-- [(10,)]

-- MATERIALIZED
WITH m AS MATERIALIZED (SELECT a FROM t) SELECT count(*) FROM m;
-- same
-- [(6,)]

-- booleans are 0 and 1
SELECT id FROM t WHERE f IS TRUE;
-- same
-- [(1,), (4,)]

-- dollar quotes
SELECT $$it's$$;
SELECT 'it''s';
-- [("it's",)]

-- the schema public
SELECT a FROM public.u WHERE a = 7;
SELECT a FROM u WHERE a = 7;
-- [(7,)]

-- join of texts
SELECT n || '!' FROM u WHERE id = 1;
-- same
-- [('seven!',)]

-- operators that bind differently
SELECT n || a + 1 FROM t;
-- refused: n || a + 1: the dialects bind these differently: parenthesize

-- texts with escapes
SELECT E'a\nb';
-- refused: E'a\nb': texts with escapes: write the characters themselves

-- lateral joins
SELECT t.id FROM t, LATERAL (SELECT 1) AS l;
-- refused: LATERAL (SELECT 1) AS l: has no equivalent in SQLite that is known to be the same

-- arrays
SELECT ARRAY[1, 2];
-- refused: ARRAY[1, 2]: has no equivalent in SQLite that is known to be the same

-- ANY of an array
SELECT id FROM t WHERE n ILIKE ANY (ARRAY['a%']);
-- refused: ARRAY['a%']: has no equivalent in SQLite that is known to be the same

-- regular expressions
SELECT n ~ '^a' FROM t;
-- refused: n ~ '^a': has no equivalent in SQLite that is known to be the same

-- samples
SELECT * FROM t TABLESAMPLE BERNOULLI (10);
-- refused: TABLESAMPLE BERNOULLI (10): has no equivalent in SQLite that is known to be the same

-- row locks
SELECT id FROM t FOR UPDATE;
-- refused: FOR UPDATE: has no equivalent in SQLite that is known to be the same

-- rollup
SELECT a, sum(b) FROM t GROUP BY ROLLUP (a);
-- refused: ROLLUP (a): has no equivalent in SQLite that is known to be the same

-- EXCEPT ALL
SELECT a FROM t EXCEPT ALL SELECT a FROM u;
-- refused: SELECT a FROM t EXCEPT ALL SELECT a FROM u: SQLite has no EXCEPT ALL or INTERSECT ALL

-- INTERSECT binds closer
SELECT a FROM t UNION SELECT a FROM u INTERSECT SELECT 1;
-- refused: SELECT a FROM t UNION SELECT a FROM u INTERSECT SELECT 1: cannot be written for SQLite; the nearest is SELECT a FROM t UNION SELECT * FROM (SELECT a FROM u INTERSECT SELECT 1)

-- JSON operators
SELECT n -> 'a' FROM t;
-- refused: n -> 'a': has no equivalent in SQLite that is known to be the same

-- SQLite's function of another meaning
SELECT format('%s', n) FROM t;
-- refused: FORMAT('%s', n): has no equivalent in SQLite that is known to be the same

-- upserts are left alone
INSERT INTO u(id, a) VALUES (9, 7) ON CONFLICT (a) DO UPDATE SET n = excluded.a WHERE u.a > 1 RETURNING *;
-- same
-- [(1, 7, '7'), (2, 0, 'zero'), (3, 9, None)]

-- an upsert of a query needs WHERE
INSERT INTO u(id, a) SELECT id, a FROM t WHERE a = 7 AND id = 1 ON CONFLICT DO NOTHING;
-- same
-- [(1, 7, 'seven'), (2, 0, 'zero'), (3, 9, None)]

-- an upsert of a query gets WHERE
INSERT INTO u(id) SELECT id FROM u ON CONFLICT DO NOTHING;
INSERT INTO u (id) SELECT id FROM u WHERE TRUE ON CONFLICT DO NOTHING;
-- [(1, 7, 'seven'), (2, 0, 'zero'), (3, 9, None)]

-- UPDATE FROM is left alone
UPDATE u SET n = t.n FROM t WHERE t.a = u.a AND t.id <> 4;
-- same
-- [(1, 7, 'ada'), (2, 0, ''), (3, 9, None)]

-- DELETE USING
DELETE FROM u USING t WHERE t.a = u.a;
DELETE FROM u WHERE EXISTS(SELECT 1 FROM t WHERE t.a = u.a);
-- [(3, 9, None)]

-- DELETE USING with RETURNING
DELETE FROM u USING t WHERE t.a = u.a RETURNING t.id;
-- refused: DELETE FROM u USING t WHERE t.a = u.a RETURNING t.id: RETURNING with USING: SQLite's DELETE knows one table only

-- TRUNCATE
TRUNCATE TABLE u;
DELETE FROM u;
-- []

-- MERGE
MERGE INTO u USING t ON u.a = t.a WHEN MATCHED THEN DELETE;
-- refused: WHEN MATCHED THEN DELETE: has no equivalent in SQLite that is known to be the same

-- SERIAL
CREATE TABLE w(id SERIAL PRIMARY KEY, n VARCHAR(20) NOT NULL DEFAULT 'x', at TIMESTAMP DEFAULT now());
CREATE TABLE w (id INTEGER PRIMARY KEY, n VARCHAR(20) NOT NULL DEFAULT 'x', at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);

-- IDENTITY
CREATE TABLE w(id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, g INT GENERATED ALWAYS AS (id * 2) STORED);
CREATE TABLE w (id INTEGER PRIMARY KEY, g INTEGER GENERATED ALWAYS AS (id * 2) STORED);

-- SERIAL that is no key
CREATE TABLE w(id INT PRIMARY KEY, s SERIAL);
-- refused: s INT GENERATED BY DEFAULT AS IDENTITY NOT NULL: only a PRIMARY KEY of this one column numbers itself

-- types
CREATE TABLE w(id INT PRIMARY KEY, j JSONB, u UUID, b BYTEA, p NUMERIC(10,2) CHECK (p > 0), x DOUBLE PRECISION);
CREATE TABLE w (id INTEGER PRIMARY KEY, j TEXT, u TEXT, b BLOB, p REAL CHECK (p > 0), x REAL);

-- a plain table is left alone
CREATE TABLE w(id INTEGER PRIMARY KEY, n TEXT NOT NULL);
-- same

-- arrays as columns
CREATE TABLE w(id INT PRIMARY KEY, a INT[]);
-- refused: w (id INT PRIMARY KEY, a INT[]): arrays, maps and structs do not exist in SQLite

-- times with zones
CREATE TABLE w(id INT PRIMARY KEY, at TIMESTAMPTZ);
-- refused: at TIMESTAMPTZ: SQLite has no such type

-- CHAR
CREATE TABLE w(id INT PRIMARY KEY, c CHAR(3));
-- refused: c CHAR(3): blanks do not count at the end of CHAR: use VARCHAR or TEXT

-- a check that SQLite has no function for
CREATE TABLE w(id INT PRIMARY KEY, n TEXT CHECK (upper(n) = n));
-- refused: CREATE TABLE w (id INT PRIMARY KEY, n TEXT CHECK (UPPER(n) = n)): a definition cannot call upper(), which SQLite has not

-- an index
CREATE INDEX CONCURRENTLY i ON u USING btree (a, n DESC) WHERE a > 1;
CREATE INDEX i ON u(a, n DESC) WHERE a > 1;

-- an index of another kind
CREATE INDEX i ON u USING gin (n);
-- refused: USING gin(n): indexes are sorted by their columns, no others exist

-- columns are added
ALTER TABLE u ADD COLUMN x INT;
-- same

-- columns are dropped
ALTER TABLE u DROP COLUMN n;
-- same

-- columns are renamed
ALTER TABLE u RENAME COLUMN n TO name;
-- same

-- types are not changed
ALTER TABLE u ALTER COLUMN n TYPE INT;
-- refused: ALTER COLUMN n SET DATA TYPE INT: has no equivalent in SQLite that is known to be the same

-- DROP
DROP TABLE IF EXISTS u;
-- same

-- DROP CASCADE
DROP TABLE u CASCADE;
-- refused: DROP TABLE u CASCADE: has no equivalent in SQLite that is known to be the same

-- START TRANSACTION
START TRANSACTION;
BEGIN;

-- values of several types are not divided
SELECT coalesce(x, 3) / 2 FROM t;
-- refused: COALESCE(x, 3) / 2: its operand may be a whole number in one row only: CAST its parts

-- values of one type are
SELECT coalesce(x::float8, 3::float8) / 2, coalesce(a, 0) / 2 FROM t WHERE id = 3;
SELECT COALESCE(dialect_real(x), dialect_real(3)) / 2, COALESCE(a, 0) / 2 FROM t WHERE id = 3;
-- [(1.5, 0)]
