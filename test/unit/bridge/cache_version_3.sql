-- A cache as version 3 left it: 400 readings, of a second each, of two streams in turn.
PRAGMA journal_mode = WAL;
CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE streams (id INTEGER PRIMARY KEY, topic TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE cursors (link TEXT PRIMARY KEY, seq INTEGER NOT NULL, sent INTEGER NOT NULL,
 dead INTEGER NOT NULL, filtered INTEGER NOT NULL DEFAULT 0, dropped INTEGER NOT NULL DEFAULT 0)
 STRICT, WITHOUT ROWID;
CREATE TABLE dead_letters (seq INTEGER NOT NULL, link TEXT NOT NULL, channel TEXT NOT NULL,
 at INTEGER NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (seq, link, channel)) STRICT, WITHOUT ROWID;
CREATE TABLE resends (seq INTEGER PRIMARY KEY, first INTEGER NOT NULL, link TEXT NOT NULL,
 channel TEXT NOT NULL, stream INTEGER NOT NULL REFERENCES streams (id), kind INTEGER NOT NULL,
 received_at INTEGER NOT NULL, observed_at TEXT, fault TEXT, original BLOB NOT NULL, canonical BLOB)
 STRICT;
CREATE TABLE resend_requests (id INTEGER PRIMARY KEY, link TEXT NOT NULL, seq_min INTEGER NOT NULL,
 seq_max INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE TABLE heads (
 stream INTEGER PRIMARY KEY REFERENCES streams (id),
 last INTEGER NOT NULL,
 count INTEGER NOT NULL
) STRICT;
CREATE TABLE readings (
 seq INTEGER PRIMARY KEY,
 stream INTEGER NOT NULL REFERENCES streams (id),
 prev INTEGER,
 kind INTEGER NOT NULL,
 packet_id INTEGER NOT NULL,
 received_at INTEGER NOT NULL,
 observed_at TEXT,
 fault TEXT,
 original BLOB NOT NULL,
 canonical BLOB
) STRICT;

INSERT INTO meta VALUES ('epoch', '019c1491698089abcdef'), ('settled', 400);
INSERT INTO streams VALUES (1, 'nexus/birmingham/air/BMLD/observation'),
 (2, 'nexus/birmingham/air/BIRR/observation');
WITH RECURSIVE n (seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n WHERE seq < 400)
 INSERT INTO readings SELECT seq, 2 - seq % 2, nullif(max(seq - 2, 0), 0), 0, 0, seq * 1000, NULL,
 NULL, x'78', NULL FROM n;
INSERT INTO heads VALUES (1, 399, 200), (2, 400, 200);
PRAGMA application_id = 1314411313;
PRAGMA user_version = 3;
