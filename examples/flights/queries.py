"""What a person might ask of the flights.

Every answer has one right order, because each ORDER BY is total: so answers can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Query:
    """A question and its SQL."""

    question: str
    sql: str


QUERIES = (
    Query(
        "How late was the flight to Honolulu on 9 January?",
        """\
SELECT carrier, flight, tailnum, dest, sched_dep_time, dep_time, dep_delay, arr_delay
FROM flights
WHERE origin = 'JFK' AND time_hour = '2013-01-09T14:00:00Z'
  AND carrier = 'HA' AND flight = 51""",
    ),
    Query(
        "What left JFK in the first hours of Christmas Day?",
        """\
SELECT time_hour, carrier, flight, dest, dep_delay
FROM flights
WHERE origin = 'JFK'
  AND time_hour BETWEEN '2013-12-25T10:00:00Z' AND '2013-12-25T12:00:00Z'
ORDER BY time_hour, carrier, flight""",
    ),
    Query(
        "Which were the last departures of the year from LaGuardia?",
        """\
SELECT time_hour, carrier, flight, dest
FROM flights
WHERE origin = 'LGA'
ORDER BY time_hour DESC, carrier DESC, flight DESC
LIMIT 5""",
    ),
    Query(
        "What was the weather at the three airports at noon of 18 July?",
        """\
SELECT origin, temp, humid, wind_dir, wind_speed, visib
FROM weather
WHERE origin IN ('EWR', 'JFK', 'LGA')
  AND time_hour = '2013-07-18T16:00:00Z'
ORDER BY origin""",
    ),
    Query(
        "How late are the airlines, and how often do they cancel?",
        """\
SELECT name, count(*) AS flights,
       round(avg(arr_delay), 1) AS mean_delay,
       round(100.0 * sum(dep_time IS NULL) / count(*), 1) AS cancelled_percent
FROM flights JOIN airlines USING (carrier)
GROUP BY name
ORDER BY mean_delay DESC, name""",
    ),
    Query(
        "Which ten flights left latest?",
        """\
SELECT dep_delay / 60 AS hours, carrier, flight, origin, dest, time_hour
FROM flights
WHERE dep_delay IS NOT NULL
ORDER BY dep_delay DESC, origin, time_hour, carrier, flight
LIMIT 10""",
    ),
    Query(
        "Which destinations are missing from the list of airports?",
        """\
SELECT dest, count(*) AS flights
FROM flights LEFT JOIN airports ON faa = dest
WHERE faa IS NULL
GROUP BY dest
ORDER BY flights DESC, dest""",
    ),
    Query(
        "Does wind delay departures?",
        """\
SELECT CAST(wind_speed / 10 AS INTEGER) * 10 AS wind_mph,
       count(*) AS flights,
       round(avg(dep_delay), 1) AS mean_delay
FROM weather JOIN flights USING (origin, time_hour)
WHERE wind_speed IS NOT NULL
GROUP BY wind_mph
ORDER BY wind_mph""",
    ),
    Query(
        "What were the three busiest days of the largest airlines?",
        """\
SELECT name, month, day, flights, place
FROM (
  SELECT carrier, month, day, count(*) AS flights,
         row_number() OVER (
           PARTITION BY carrier ORDER BY count(*) DESC, month, day
         ) AS place
  FROM flights
  GROUP BY carrier, month, day
) JOIN airlines USING (carrier)
WHERE place <= 3 AND carrier IN ('UA', 'B6', 'EV', 'DL', 'AA')
ORDER BY name, place""",
    ),
    Query(
        "Who flew the oldest planes through the worst weather, and where to?",
        """\
SELECT l.name AS airline, p.model, p.year AS built, a.name AS destination,
       round(w.wind_gust) AS gust_mph, date(f.time_hour) AS day
FROM weather w
JOIN flights f ON f.origin = w.origin AND f.time_hour = w.time_hour
JOIN planes p ON p.tailnum = f.tailnum
JOIN airports a ON a.faa = f.dest
JOIN airlines l ON l.carrier = f.carrier
WHERE w.wind_gust > 45 AND p.year < 1990 AND f.dep_time IS NOT NULL
ORDER BY p.year, w.wind_gust DESC, f.origin, f.time_hour, f.carrier, f.flight""",
    ),
    Query(
        "Who offers the most seats on a route in July, and how warm is it then?",
        """\
SELECT f.origin, a.name AS destination, l.name AS airline,
       count(*) AS flights, sum(p.seats) AS seats,
       round(avg(w.temp), 1) AS mean_temp
FROM flights f
JOIN airports a ON a.faa = f.dest
JOIN airlines l ON l.carrier = f.carrier
JOIN planes p ON p.tailnum = f.tailnum
JOIN weather w ON w.origin = f.origin AND w.time_hour = f.time_hour
WHERE f.origin IN ('EWR', 'JFK', 'LGA')
  AND f.time_hour BETWEEN '2013-07-01' AND '2013-08-01'
GROUP BY f.origin, f.dest, f.carrier
ORDER BY seats DESC, f.origin, f.dest, f.carrier
LIMIT 8""",
    ),
)
