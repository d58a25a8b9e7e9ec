-- A cache as the first version made it: what a bridge of that version would leave behind.
PRAGMA journal_mode = WAL;
CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE streams (id INTEGER PRIMARY KEY, topic TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE readings (
 seq INTEGER PRIMARY KEY,
 stream INTEGER NOT NULL REFERENCES streams (id),
 kind INTEGER NOT NULL,
 packet_id INTEGER NOT NULL,
 received_at INTEGER NOT NULL,
 observed_at TEXT,
 fault TEXT,
 original BLOB NOT NULL,
 canonical BLOB
) STRICT;
CREATE INDEX readings_by_stream ON readings (stream);
CREATE TABLE cursors (link TEXT PRIMARY KEY, seq INTEGER NOT NULL, sent INTEGER NOT NULL,
 dead INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE dead_letters (link TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL,
 reason TEXT NOT NULL, PRIMARY KEY (link, seq)) STRICT, WITHOUT ROWID;

INSERT INTO meta VALUES ('epoch', '019c1491698089abcdef'), ('settled', 2), ('broker_dropped', 7);
INSERT INTO streams VALUES (1, 'nexus/birmingham/air/BMLD/observation'),
 (2, 'nexus/birmingham/air/BIRR/observation');
INSERT INTO readings VALUES
 (1, 1, 0, 11, 1769871600001, '2026-01-31T15:00:00Z', NULL, x'7b2261223a317d', x'7b7d'),
 (2, 2, 0, 12, 1769871600002, NULL, 'payload: no time', x'7b2261223a327d', NULL),
 (3, 1, 0, 13, 1769871600003, '2026-01-31T15:01:00Z', NULL, x'7b2261223a337d', x'7b7d'),
 (4, 2, 1, 14, 1769871600004, NULL, NULL, x'', NULL);
INSERT INTO cursors VALUES ('birmingham-ulsan', 2, 1, 1);
INSERT INTO dead_letters VALUES ('birmingham-ulsan', 1, 1769871600005, 'original: too large'),
 ('birmingham-ulsan', 2, 1769871600006, 'observation: payload: no time'),
 ('birmingham-oslo', 1, 1769871600007, 'some words');
PRAGMA application_id = 1314411313;
PRAGMA user_version = 1;
