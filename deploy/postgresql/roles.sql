-- The four roles, for a PostgreSQL server of one's own; `make run` makes them by itself.
-- As a superuser, with passwords of your own:
--   psql -v owner="'...'" -v app="'...'" -v readonly="'...'" -v backup="'...'" -f roles.sql
-- `manage.py migrate` grants what each may do to tables; `manage.py db_security` looks at it all.
CREATE ROLE strongroom_owner LOGIN PASSWORD :owner;
CREATE ROLE strongroom_app LOGIN PASSWORD :app;
CREATE ROLE strongroom_readonly LOGIN PASSWORD :readonly;
CREATE ROLE strongroom_backup LOGIN REPLICATION IN ROLE pg_read_all_data PASSWORD :backup;
CREATE DATABASE strongroom OWNER strongroom_owner;
REVOKE ALL ON DATABASE strongroom FROM PUBLIC;
GRANT CONNECT ON DATABASE strongroom
    TO strongroom_app, strongroom_readonly, strongroom_backup;
