-- The first schema (user_version 1). Times are seconds since 1970 as REAL or INTEGER, JSON is TEXT, secrets are hashes.
-- event rows never change; trimming deletes whole prefixes per OEM. AUTOINCREMENT: a position is never used twice.
CREATE TABLE event (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  oem TEXT NOT NULL,                  -- '' for control records
  type INTEGER NOT NULL,              -- 0 control, 1 connectivity, 2 datapoint, 3 datapointack, 4 location, 5 registration
  oem_model TEXT NOT NULL,
  dsn TEXT NOT NULL,
  property_name TEXT,
  readers TEXT NOT NULL,              -- JSON array of user UUIDs: what event_reader says, the other way round, for trimming
  created_at REAL NOT NULL,
  oem_bytes INTEGER NOT NULL,         -- size of all of the OEM's events through this one; only differences mean something
  checksum INTEGER NOT NULL,          -- CRC-32 of the tail, started with the position
  tail TEXT NOT NULL                  -- the JSON text that follows the number; of a control record: the Control
);
-- An index ends in the row's position by itself, so both serve "after this position, in order".
CREATE INDEX event_oem ON event (oem, type);
CREATE INDEX event_dsn ON event (dsn);
CREATE TABLE event_reader (reader TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (reader, position)) WITHOUT ROWID;

CREATE TABLE oem (
  id TEXT PRIMARY KEY,                -- 8 hex digits
  name TEXT NOT NULL,
  created_at REAL NOT NULL,
  retention_age_s REAL,               -- NULL: the server's default
  retention_size_bytes INTEGER,
  trimmed_through INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE application (
  app_id TEXT PRIMARY KEY, app_secret_hash TEXT NOT NULL, oem TEXT NOT NULL REFERENCES oem (id), name TEXT NOT NULL, created_at REAL NOT NULL,
  sso_url TEXT, sso_secret TEXT       -- its identity provider; the secret sealed, as that signs with it
) WITHOUT ROWID;
CREATE TABLE user (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  uuid TEXT NOT NULL UNIQUE,
  oem TEXT NOT NULL REFERENCES oem (id),
  email TEXT NOT NULL,                -- one normal form: trimmed, lower case
  password_hash TEXT NOT NULL,        -- argon2id
  role TEXT NOT NULL DEFAULT 'EndUser',
  firstname TEXT NOT NULL DEFAULT '', lastname TEXT NOT NULL DEFAULT '',
  profile TEXT NOT NULL DEFAULT '{}', -- JSON object of what else the user has told
  sso_uuid TEXT,                      -- the name that the OEM's identity provider has for the user
  confirmed_at REAL,                  -- NULL: has still to show that the email is theirs
  created_at REAL NOT NULL, updated_at REAL NOT NULL,
  UNIQUE (email, oem)                 -- in this order: signing in without an application looks for the email alone
);
CREATE UNIQUE INDEX user_sso ON user (oem, sso_uuid) WHERE sso_uuid IS NOT NULL;
CREATE TABLE token (
  access_hash TEXT PRIMARY KEY, refresh_hash TEXT NOT NULL UNIQUE, family TEXT NOT NULL,
  user_id INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
  app_id TEXT, created_at REAL NOT NULL, expires_at REAL NOT NULL,
  spent INTEGER NOT NULL DEFAULT 0    -- when it was refreshed; 1: long ago
) WITHOUT ROWID;
CREATE INDEX token_user ON token (user_id);
CREATE INDEX token_family ON token (family);
CREATE INDEX token_created ON token (created_at);
CREATE TABLE role_label (
  user_id INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE, role TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (user_id, role, key)
) WITHOUT ROWID;
CREATE INDEX role_label_key ON role_label (key, value);
-- Users tied to whoever has a role with a label.
CREATE TABLE association (
  user_id INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE, role TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (user_id, role, key)
) WITHOUT ROWID;
CREATE INDEX association_key ON association (key, value);
-- What a token in a mail is good for, once.
CREATE TABLE ticket (
  hash TEXT PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE, purpose TEXT NOT NULL,
  email TEXT NOT NULL, expires_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX ticket_user ON ticket (user_id, purpose);

-- The shape of an OEM's models: which properties a twin gets.
CREATE TABLE template (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  oem TEXT NOT NULL REFERENCES oem (id), oem_model TEXT NOT NULL, version TEXT NOT NULL, name TEXT NOT NULL,
  registration_type TEXT,             -- NULL: as the device has it
  properties TEXT NOT NULL,           -- JSON array of plans (model.property.PropertyPlan)
  created_at REAL NOT NULL, updated_at REAL NOT NULL,
  UNIQUE (oem, oem_model, version)
);
CREATE TABLE device (
  key INTEGER PRIMARY KEY AUTOINCREMENT,
  dsn TEXT NOT NULL UNIQUE,
  oem TEXT NOT NULL REFERENCES oem (id),
  oem_model TEXT NOT NULL,
  model TEXT NOT NULL DEFAULT '',
  product_name TEXT NOT NULL,
  device_type TEXT NOT NULL DEFAULT 'Wifi',
  sw_version TEXT, mac TEXT, hwsig TEXT, ip TEXT, network TEXT, lan_ip TEXT, ssid TEXT, lat REAL, lng REAL,
  user_uuid TEXT, registration_type TEXT NOT NULL DEFAULT 'Dsn', registered_at REAL,
  regtoken TEXT, regtoken_at REAL, setup_token TEXT, setup_token_at REAL,
  button_at REAL,                     -- when its button was pushed (Button-Push)
  join_ends_at REAL,                  -- until when the nodes of this gateway can be registered
  gateway_key INTEGER REFERENCES device (key), node_type TEXT, power TEXT, ntwkaddr TEXT, address TEXT, -- of nodes
  time_zone TEXT, street TEXT, city TEXT, state TEXT, country TEXT, zip TEXT, -- said by its owner
  connection_status TEXT NOT NULL DEFAULT 'Offline', connected_at REAL, presence_epoch INTEGER NOT NULL DEFAULT 0,
  activated_at REAL, created_at REAL NOT NULL, updated_at REAL NOT NULL,
  template_id INTEGER, template_version TEXT,  -- that shaped it last; it may be gone
  private_key TEXT,                   -- sealed; its public half is on the device (x-Ayla-client-auth)
  auth_hash TEXT                      -- SHA-256 of the x-Ayla-auth-key in force
);
CREATE INDEX device_user ON device (user_uuid);
CREATE INDEX device_oem ON device (oem);
CREATE UNIQUE INDEX device_auth ON device (auth_hash);
CREATE INDEX device_regtoken ON device (regtoken);
CREATE INDEX device_button ON device (network, button_at) WHERE button_at IS NOT NULL;
CREATE INDEX device_unowned ON device (network, regtoken_at) WHERE user_uuid IS NULL;
CREATE INDEX device_gateway ON device (gateway_key) WHERE gateway_key IS NOT NULL;
-- Which node was behind a gateway under which address, also if it has left: it has its DSN again when it comes back.
CREATE TABLE node (
  gateway_key INTEGER NOT NULL, address TEXT NOT NULL, device_key INTEGER NOT NULL, PRIMARY KEY (gateway_key, address)
) WITHOUT ROWID;
-- When devices came and went: the newest of each.
CREATE TABLE connection (
  number INTEGER PRIMARY KEY AUTOINCREMENT, device_key INTEGER NOT NULL REFERENCES device (key) ON DELETE CASCADE,
  status TEXT NOT NULL, created_at REAL NOT NULL
);
CREATE INDEX connection_device ON connection (device_key, number);
CREATE TABLE device_datum (
  device_key INTEGER NOT NULL REFERENCES device (key) ON DELETE CASCADE, key TEXT NOT NULL, value TEXT NOT NULL,
  created_at REAL NOT NULL, updated_at REAL NOT NULL, PRIMARY KEY (device_key, key)
) WITHOUT ROWID;
-- Roles that have to do with a device.
CREATE TABLE device_role (
  id INTEGER PRIMARY KEY AUTOINCREMENT, device_key INTEGER NOT NULL REFERENCES device (key) ON DELETE CASCADE,
  role_name TEXT NOT NULL, description TEXT NOT NULL, labels TEXT NOT NULL DEFAULT '{}', -- JSON object
  created_at REAL NOT NULL, updated_at REAL NOT NULL,
  UNIQUE (device_key, role_name)
);
CREATE TABLE user_datum (
  user_id INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE, key TEXT NOT NULL, value TEXT NOT NULL,
  created_at REAL NOT NULL, updated_at REAL NOT NULL, PRIMARY KEY (user_id, key)
) WITHOUT ROWID;
-- The key that an app and its device talk with on their own network.
CREATE TABLE lan_key (
  device_key INTEGER PRIMARY KEY REFERENCES device (key) ON DELETE CASCADE, id INTEGER NOT NULL, key TEXT NOT NULL -- sealed
);
CREATE TABLE property (
  key INTEGER PRIMARY KEY AUTOINCREMENT,
  device_key INTEGER NOT NULL REFERENCES device (key) ON DELETE CASCADE,
  name TEXT NOT NULL, display_name TEXT NOT NULL, base_type TEXT NOT NULL, direction TEXT NOT NULL,
  scope TEXT NOT NULL DEFAULT 'user', read_only INTEGER NOT NULL DEFAULT 0,
  ack_enabled INTEGER NOT NULL DEFAULT 0, track_only_changes INTEGER NOT NULL DEFAULT 0,
  time_series INTEGER NOT NULL DEFAULT 0, derived INTEGER NOT NULL DEFAULT 0, host_sw_version INTEGER NOT NULL DEFAULT 0,
  app_type TEXT, recipe TEXT, mime_type TEXT,
  denied_roles TEXT NOT NULL DEFAULT '[]', -- JSON array: who has one of these roles does not see the property
  retention_days INTEGER,             -- NULL: the server's default
  value TEXT NOT NULL DEFAULT 'null', -- JSON
  datapoint_updated_at REAL, datapoint_id TEXT, ack_status INTEGER, ack_message INTEGER, acked_at REAL,
  UNIQUE (device_key, name)
);
CREATE INDEX property_retention ON property (retention_days) WHERE retention_days IS NOT NULL;
-- History of datapoints, apart from the log, with its own retention; acknowledgement fields change.
CREATE TABLE datapoint (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,            -- time UUID
  property_key INTEGER NOT NULL REFERENCES property (key) ON DELETE CASCADE,
  created_at REAL NOT NULL, updated_at REAL NOT NULL, created_at_from_device REAL,
  user_uuid TEXT, echo INTEGER NOT NULL, closed INTEGER NOT NULL DEFAULT 0,
  value TEXT NOT NULL, metadata TEXT NOT NULL DEFAULT '{}',
  ack_id TEXT, ack_status INTEGER, ack_message INTEGER, acked_at REAL,
  fetched INTEGER NOT NULL DEFAULT 0, discarded INTEGER NOT NULL DEFAULT 0  -- of files and messages
);
CREATE INDEX datapoint_property ON datapoint (property_key, number);
-- What became of requests that their senders may repeat (Idempotency-Key), for a day.
CREATE TABLE receipt (
  id TEXT PRIMARY KEY,                -- SHA-256 of caller, path and key
  receipt TEXT NOT NULL,              -- JSON (model.receipt.Receipt)
  created_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX receipt_created ON receipt (created_at);
-- Values set from the cloud that a device has not fetched yet: the newest of each property.
CREATE TABLE pending (
  property_key INTEGER PRIMARY KEY REFERENCES property (key) ON DELETE CASCADE,
  device_key INTEGER NOT NULL, datapoint_id TEXT NOT NULL, value TEXT NOT NULL
);
CREATE INDEX pending_device ON pending (device_key);
-- Other commands for a device (registration.json and the like).
CREATE TABLE command (
  id INTEGER PRIMARY KEY AUTOINCREMENT, device_key INTEGER NOT NULL REFERENCES device (key) ON DELETE CASCADE,
  method TEXT NOT NULL, resource TEXT NOT NULL, uri TEXT NOT NULL, body TEXT NOT NULL, created_at REAL NOT NULL
);
CREATE INDEX command_device ON command (device_key);
CREATE TABLE share (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  dsn TEXT NOT NULL, owner_uuid TEXT NOT NULL, user_uuid TEXT NOT NULL, operation TEXT NOT NULL DEFAULT 'read',
  start_at REAL, end_at REAL, role TEXT, created_at REAL NOT NULL, updated_at REAL NOT NULL,
  UNIQUE (dsn, user_uuid)
);
CREATE INDEX share_user ON share (user_uuid);

CREATE TABLE subscription (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  oem TEXT NOT NULL REFERENCES oem (id),
  user_uuid TEXT NOT NULL, role TEXT NOT NULL,
  name TEXT, description TEXT,
  dsn TEXT NOT NULL, oem_model TEXT NOT NULL, property_name TEXT NOT NULL, -- as given: '*' or comma lists
  client_type TEXT NOT NULL, subscription_type TEXT NOT NULL, batch_size INTEGER NOT NULL DEFAULT 1,
  start_from TEXT NOT NULL DEFAULT 'acknowledged',  -- or 'live'
  suspended_at REAL,                  -- NULL: it is not suspended
  suspended_by_operator INTEGER NOT NULL DEFAULT 0, -- then its owner cannot resume it
  key_hash TEXT NOT NULL UNIQUE, key_sealed TEXT,
  created_at REAL NOT NULL, updated_at REAL NOT NULL,
  last_seen_at REAL NOT NULL          -- when a socket was last open (mobile ones expire)
);
CREATE INDEX subscription_user ON subscription (user_uuid);
CREATE INDEX subscription_oem ON subscription (oem);
CREATE INDEX subscription_unseen ON subscription (last_seen_at) WHERE client_type = 'mobile';
-- From from_position (included) to the next stretch (excluded) the subscription sees what the filter matches.
CREATE TABLE stretch (
  subscription_id INTEGER NOT NULL, from_position INTEGER NOT NULL, oem TEXT NOT NULL, filter TEXT NOT NULL,
  PRIMARY KEY (subscription_id, from_position)
) WITHOUT ROWID;
CREATE INDEX stretch_oem ON stretch (oem, from_position);
-- Exactly seq events at or before position matched since the subscription's creation.
CREATE TABLE bookmark (
  subscription_id INTEGER NOT NULL, position INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (subscription_id, position)
) WITHOUT ROWID;
CREATE TABLE acknowledgement (
  subscription_id INTEGER PRIMARY KEY, position INTEGER NOT NULL, seq INTEGER NOT NULL
);
-- Ranges of numbers that a session asked for and retention had already removed.
CREATE TABLE gap (
  id INTEGER PRIMARY KEY AUTOINCREMENT, subscription_id INTEGER NOT NULL, from_seq INTEGER NOT NULL, through_seq INTEGER NOT NULL, at REAL NOT NULL
);
CREATE INDEX gap_subscription ON gap (subscription_id);
CREATE TABLE access_rule (
  id INTEGER PRIMARY KEY AUTOINCREMENT, oem TEXT NOT NULL REFERENCES oem (id), role TEXT NOT NULL,
  oem_model TEXT NOT NULL DEFAULT '*', property_name TEXT NOT NULL DEFAULT '*', client_type TEXT NOT NULL, subscription_type TEXT NOT NULL,
  created_at REAL NOT NULL, updated_at REAL NOT NULL
);
CREATE INDEX access_rule_oem ON access_rule (oem, role);
