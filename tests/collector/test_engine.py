"""How databases are reached, on real servers: what URLs may say, and what they cannot change."""

from __future__ import annotations

import socket
import threading

import pytest

from tests.collector.conftest import Database
from tests.collector.samples import datapoint, datapoints
from tests.collector.test_sql import make_documented, write
from tests.databases import PASSWORD
from twinstream.collector.sink import SinkError
from twinstream.collector.sql import SqlSink


def test_no_url_makes_rows_and_cursor_come_apart(served: Database) -> None:
    """One that asks for autocommit gets transactions all the same."""
    sink = SqlSink(served.url + ("&" if "?" in served.url else "?") + "autocommit=true")
    sink.open()
    write(sink, *datapoints(1, 2))
    served.execute("DROP TABLE events")
    with pytest.raises(SinkError):
        sink.write("s", datapoints(3, 4))
    sink.close()
    assert served.execute("SELECT seq FROM twinstream_cursor") == [(2,)]


def test_no_url_makes_a_text_that_cannot_be_sent(served: Database) -> None:
    """One that asks for another character set gets UTF-8 all the same: nothing else takes every event."""
    charset = "?charset=latin1&use_unicode=0" if served.kind == "mariadb" else "&client_encoding=latin1"
    sink = SqlSink(served.url + charset)
    sink.open()
    write(sink, datapoint(1, "é😀"))
    sink.close()
    assert served.execute("SELECT value FROM events") == [("é😀",)]


def test_parameters_that_a_driver_does_not_understand_are_told(served: Database) -> None:
    """Drivers have errors of many kinds for that; none of them is waited for."""
    given = "?" if served.kind == "mariadb" else "&"
    wrong = ("sslmode=x", "options=-cfoo%3Dbar") if served.kind == "postgresql" else ("ssl=true", "ssl_ca=/nowhere")
    for parameter in ("foo=bar", *wrong):
        sink = SqlSink(f"{served.url}{given}{parameter}")
        with pytest.raises(SinkError, match="look at the parameters in the URL"):
            sink.open()
        sink.close()
    kind = "connect_timeout=x" if served.kind == "mariadb" else "port=x"
    with pytest.raises(SinkError, match=r"the parameters in the URL cannot be: .*'timout' are not accepted"):
        SqlSink("sqlite:///events.db?timout=3")
    with pytest.raises(SinkError, match="the parameters in the URL cannot be"):
        SqlSink(f"{served.url}{given}{kind}")


@pytest.mark.needs("mariadb")
def test_mysql_changes_nothing_even_if_it_is_configured_to(mariadb: Database) -> None:
    """A server that is not strict would store a question mark; our session is strict whatever it says."""
    make_documented(mariadb, dsn="varchar(32) CHARACTER SET latin1")
    sink = SqlSink(mariadb.url + "?init_command=SET+sql_mode=''")
    sink.open()
    with pytest.raises(SinkError, match="let the column hold UTF-8"):
        write(sink, datapoint(1, dsn="😀"))
    sink.close()


@pytest.mark.parametrize(
    "url", ["oracle://x:s3cret@y/z", "s3cret", "mysql://a:s3cret@b:c/d", "sqlite://", "sqlite:///:memory:"]
)
def test_a_url_that_is_of_no_use_is_refused_without_showing_it(url: str) -> None:
    """What is no URL of a known database, or of one that forgets everything."""
    with pytest.raises(SinkError) as caught:
        SqlSink(url)
    assert "s3cret" not in str(caught.value)


def test_errors_never_show_the_password(served: Database) -> None:
    """A wrong password is final, with a remedy, and is not told."""
    sink = SqlSink(served.url.replace("s3cret", "wr0ng"))
    with pytest.raises(SinkError, match="check user and password") as caught:
        sink.open()
    assert "wr0ng" not in str(caught.value)
    assert PASSWORD not in str(caught.value)
    assert caught.value.__suppress_context__


def test_what_is_no_mysql_is_not_waited_for() -> None:
    """Whoever greets in another way, here as SSH does, will do so tomorrow."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        greeter = threading.Thread(target=greet)
        greeter.start()
        sink = SqlSink(f"mysql://u:s3cret@127.0.0.1:{listener.getsockname()[1]}/d")
        with pytest.raises(SinkError, match="see that MySQL or MariaDB listens there"):
            sink.open()
        greeter.join()
        sink.close()
