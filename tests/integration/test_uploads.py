"""Promises of documents on their way: to one site, in pieces, kept no longer than needed."""

from __future__ import annotations

import io
import os
from base64 import b64decode
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from broker import topics
from broker.codec import Received, decode, encode
from broker.messages import Command, CommandState, DocumentPiece, DocumentRequest, Note, Reply
from central.acts import uploads as acts
from central.acts.by import By
from central.coordinator import Coordinator
from central.fleet import Fleet
from central.mailboxes import Mail
from central.store import audit, commands, nodes, uploads
from central.uploads.files import PIECE, NoRoom, UploadFiles
from config.settings_uploads import UploadSettings
from tests.integration.books_lab import CODE, Clock, Dice, MemoryEdge, open_books

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from broker.messages import Message
    from central.fleet import Say
    from central.store.uploads import Upload

BY = By("web:ana", "192.0.2.7")
JOB = UUID(int=77)
CONTENT = b"%PDF-1.7\n" + bytes(range(256)) * 500
SMALL = UploadSettings(files=3, largest=1 << 20, person=1 << 20, total=2 << 20)


class Here:
    """A centre with a site, and what it says to it; nothing is on a wire."""

    def __init__(self, path: Path, wire: int = acts.WIRE, role: str = "remote") -> None:
        self.clock = Clock()
        self.books = open_books()
        self.books._clock = self.clock
        self.files = UploadFiles(path / "uploads")
        self.directory = path / "uploads"
        self.edge = MemoryEdge(self.books, "west", clock=self.clock)
        self.wire, self.role = wire, role
        with self.books.write() as tx:
            nodes.add(tx, "west", site="West Wing", role=role, kind="edge", code=CODE)
        self.start()

    def start(self) -> None:
        """Begin a coordinator: again, as after a crash."""
        fleet = Fleet(self.books, clock=self.clock, dice=Dice(7), uploads=self.files)
        self.mind = Coordinator(fleet)
        self.at = 0.0
        self.mind.connected(self.edge.mint(), self.at)

    def tick(self, seconds: float = 1.0) -> list[Say]:
        """Let time go on, and the coordinator look."""
        self.at += seconds
        self.clock.now += timedelta(seconds=seconds)
        return list(self.mind.look(self.at))

    def hears(self, topic: topics.Topic, message: Message, **levels: str) -> list[Say]:
        """Let the site say something."""
        payload = encode(message, source="west", id_=self.edge.mint(), now=self.clock())
        mail = Mail("west", topic.of(node="west", **levels), payload)
        self.at += 0.01
        return list(self.mind.heard([mail], self.at))

    def link(self) -> None:
        """Let the site be born."""
        born = self.edge.birth(None if self._known else CODE)
        born = born.model_copy(update={"wire": self.wire, "role": self.role})
        self._known = True
        self.hears(topics.BIRTH, born)
        with self.books.write() as tx:
            nodes.seen(tx, {"west": True})

    _known = False

    def cut(self) -> None:
        """Cut the site off."""
        self.mind.fleet.presence.forget("west")
        self.mind.fleet.conversations.pop("west")
        with self.books.write() as tx:
            nodes.seen(tx, {"west": False})

    def send(
        self, content: bytes = CONTENT, settings: UploadSettings = SMALL, **more: object
    ) -> UUID | acts.NotTaken:
        """Send a document of Ana's to the site."""
        kept = self.files.keep(io.BytesIO(content))
        given: dict[str, Any] = {"user": "ana", "site": "west", "name": "Thesis.pdf", **more}
        with self.books.write() as tx:
            return acts.send(tx, BY, settings, kind="pdf", kept=kept, options={}, **given)

    def sent(self) -> UUID:
        """Send a document that is taken."""
        done = self.send()
        assert isinstance(done, UUID), done
        return done

    def told(self, seconds: float = 1.0) -> list[Command]:
        """Return which documents the site is told of by now."""
        return commands_in(self.tick(seconds))

    def asks(self, upload: UUID, offset: int = 0) -> DocumentPiece | str:
        """Let the site ask for a piece; or return the problem."""
        now = self.clock()
        question = DocumentRequest(
            corr=uuid4(), expires_at=now + timedelta(seconds=20), upload=upload, offset=offset
        )
        (said,) = self.hears(topics.REQUEST, question, method="document")
        read = decode(said.payload, (Reply,))
        assert isinstance(read, Received)
        assert read.message.corr == question.corr
        if read.message.problem is not None:
            return str(read.message.problem.code)
        return DocumentPiece.model_validate(read.message.data)

    def says(self, command: Command, state: str, **data: object) -> None:
        """Let the site say how far it is."""
        told = CommandState.model_validate(
            {"id": command.id, "state": state, "detail": "because", "data": data}
        )
        self.hears(topics.COMMAND_STATE, told, id=str(command.id))

    def breathes(self) -> None:
        """Let the site be heard."""
        self.hears(topics.OPS, Note(severity="info", code="well", subject="", detail="here"))

    def now(self, upload: UUID) -> Upload:
        """Return how a document stands."""
        with self.books.read() as tx:
            found = uploads.find(tx, upload)
        assert found is not None
        return found

    def lying(self) -> list[str]:
        """Return the files there are."""
        return sorted(each.name for each in self.directory.iterdir())


def commands_in(said: Sequence[Say]) -> list[Command]:
    """Return the commands among what was said."""
    found = []
    for each in said:
        if topics.COMMAND.match(each.topic) is not None:
            read = decode(each.payload, (Command,))
            assert isinstance(read, Received)
            found.append(read.message)
    return found


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    """Return a centre with a site that is linked."""
    made = Here(tmp_path)
    made.link()
    yield made
    made.books.close()


def test_a_site_is_told_and_fetches_all_of_it(here: Here) -> None:
    """In pieces from wherever it is; then it is held there, and nothing lies here any more."""
    upload = here.sent()
    (command,) = here.told()
    assert command.command == "take-document"
    assert command.args["upload"] == str(upload)
    assert (command.args["octets"], command.args["name"]) == (len(CONTENT), "Thesis.pdf")
    got = b""
    while True:
        piece = here.asks(upload, len(got))
        assert isinstance(piece, DocumentPiece)
        assert piece.offset == len(got)
        if not piece.piece:
            break
        assert len(b64decode(piece.piece)) <= PIECE
        got += b64decode(piece.piece)
    assert got == CONTENT
    assert here.told() == []
    here.says(command, "accepted")
    here.says(command, "successful", job=str(JOB))
    after = here.now(upload)
    assert (after.state, after.job) == ("held", JOB)
    assert here.lying() == []
    assert here.asks(upload) == "gone"


def test_a_piece_fits_a_message(here: Here) -> None:
    """Whatever the document holds: the wire knows no longer message."""
    upload = here.send(os.urandom(3 * PIECE))
    assert isinstance(upload, UUID)
    piece = here.asks(upload, 1)
    assert isinstance(piece, DocumentPiece)
    assert len(b64decode(piece.piece)) == PIECE


def test_a_document_waits_for_a_site_that_is_cut_off(here: Here) -> None:
    """Nothing is queued for it on the wire; when it is there it is told."""
    here.cut()
    upload = here.sent()
    assert here.told() == here.told(600) == []
    assert here.now(upload).state == "waiting"
    here.link()
    assert [each.args["upload"] for each in here.told()] == [str(upload)]


def test_a_site_that_was_cut_off_in_the_middle_is_told_again(here: Here) -> None:
    """What it says then of the first command counts as well: the same document, once."""
    upload = here.sent()
    (first,) = here.told()
    here.says(first, "accepted")
    here.cut()
    here.told()
    assert here.now(upload).state == "waiting"
    here.link()
    (second,) = here.told(15)
    assert second.id != first.id
    here.says(first, "failed", code="busy")
    assert here.now(upload).state == "sent"
    here.says(first, "successful", job=str(JOB))
    assert here.now(upload).job == JOB


@pytest.mark.parametrize("lost", ["command", "answer"])
def test_what_is_lost_is_said_again(here: Here, lost: str) -> None:
    """The command, or the word that it is held: the site is told anew after a while."""
    upload = here.sent()
    (command,) = here.told()
    if lost == "answer":
        here.says(command, "accepted")
    assert here.told(60) == []
    here.breathes()
    found = here.told(60) + here.told(15)
    assert [each.args["upload"] for each in found] == [str(upload)]


def test_a_coordinator_that_died_goes_on(here: Here) -> None:
    """What was told before is known; what waits is told."""
    first = here.sent()
    here.told()
    second = here.sent()
    here.start()
    here._known = True
    here.link()
    assert [each.args["upload"] for each in here.told()] == [str(second)]
    assert here.now(first).state == "sent"


def test_a_refusal_is_kept_with_its_reason(here: Here) -> None:
    """And the document is deleted; nobody tries again."""
    upload = here.sent()
    (command,) = here.told()
    here.says(command, "failed", code="over-limit")
    after = here.now(upload)
    assert (after.state, after.code, after.detail) == ("refused", "over-limit", "because")
    assert here.lying() == []
    assert here.told(60) == []


def test_a_site_that_is_busy_is_asked_later(here: Here) -> None:
    """It could not begin."""
    here.sent()
    (command,) = here.told()
    here.says(command, "failed", code="busy")
    assert here.told() == []
    assert len(here.told(15)) == 1


def test_nothing_is_kept_beyond_its_hours(here: Here) -> None:
    """Its owner reads that it was deleted; a site that has it nevertheless is believed."""
    upload = here.sent()
    (command,) = here.told()
    here.says(command, "accepted")
    here.tick(SMALL.kept.total_seconds())
    assert here.now(upload).state == "expired"
    assert here.lying() == []
    here.says(command, "successful", job=str(JOB))
    assert (here.now(upload).state, here.now(upload).job) == ("held", JOB)


def test_it_is_withdrawn_while_it_is_here(here: Here) -> None:
    """By its owner alone; the site is told when it asks."""
    upload = here.sent()
    here.told()
    with here.books.write() as tx:
        assert acts.withdraw(tx, BY, upload, user="eve") is None
        found = acts.withdraw(tx, BY, upload, user="ana")
    assert found is not None
    here.files.remove(found.file)
    assert here.asks(upload) == "gone"
    with here.books.write() as tx:
        assert acts.withdraw(tx, BY, upload, user="ana") is None
        acts_ = [(each.act, each.author, each.address) for each in audit.acts(tx)]
    assert ("document withdraw", "web:ana", "192.0.2.7") in acts_
    assert ("document send", "web:ana", "192.0.2.7") in acts_


def test_another_site_gets_nothing(here: Here) -> None:
    """Whoever knows the id of a document has nothing by that."""
    other = MemoryEdge(here.books, "south", clock=here.clock)
    other.join()
    upload = here.sent()
    here.told()
    born = other.birth(None).model_copy(update={"wire": acts.WIRE})
    payload = encode(born, source="south", id_=other.mint(), now=here.clock())
    here.mind.heard([Mail("south", topics.BIRTH.of(node="south"), payload)], here.at)
    question = DocumentRequest(
        corr=uuid4(), expires_at=here.clock() + timedelta(seconds=9), upload=upload, offset=0
    )
    payload = encode(question, source="south", id_=other.mint(), now=here.clock())
    topic = topics.REQUEST.of(node="south", method="document")
    (said,) = here.mind.heard([Mail("south", topic, payload)], here.at)
    read = decode(said.payload, (Reply,))
    assert isinstance(read, Received)
    assert read.message.status == "refused"
    # nor does its word on the other's command count
    with here.books.read() as tx:
        (told,) = commands.lately(tx, here.clock() - timedelta(hours=1))
    state = CommandState(id=told.id, state="successful", data={"job": str(JOB)})
    payload = encode(state, source="south", id_=other.mint(), now=here.clock())
    here.mind.heard(
        [Mail("south", topics.COMMAND_STATE.of(node="south", id=str(told.id)), payload)], here.at
    )
    assert here.now(upload).state == "sent"


def test_names_of_documents_do_not_stay_in_commands(here: Here) -> None:
    """What people call their documents is not kept longer than it is needed."""
    upload = here.sent()
    (command,) = here.told()
    here.says(command, "successful", job=str(JOB))
    with here.books.read() as tx:
        found = commands.find(tx, command.id)
    assert found is not None
    assert found.args == {"user": "ana", "upload": str(upload)}
    here.tick(3 * 86_400)
    with here.books.read() as tx:
        assert uploads.find(tx, upload) is None


@pytest.mark.parametrize(
    ("content", "settings", "why"),
    [
        (CONTENT, {"files": 1}, "many"),
        (b"x" * (1 << 20), {}, "large"),
        (CONTENT, {"total": 200_000, "person": 200_000, "largest": 200_000}, "large"),
        (CONTENT, {"total": 200_000, "person": 200_000, "largest": 200_000, "user": "eve"}, "full"),
    ],
)
def test_there_are_bounds(here: Here, content: bytes, settings: dict[str, Any], why: str) -> None:
    """For a person's documents, for their size, for everybody's together."""
    here.sent()
    user = settings.get("user", "ana")
    settings = {name: value for name, value in settings.items() if name != "user"}
    assert here.send(content, SMALL.model_copy(update=settings), user=user) == acts.NotTaken(why)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wire", "role", "born"),
    [(acts.WIRE - 1, "remote", True), (acts.WIRE, "tracker", True), (acts.WIRE, "remote", False)],
)
def test_a_site_that_could_not_take_it_is_not_offered(
    tmp_path: Path, wire: int, role: str, *, born: bool
) -> None:
    """An older program, one that holds nothing, one that was never heard; nor parked ones."""
    here = Here(tmp_path, wire, role)
    if born:
        here.link()
    with here.books.read() as tx:
        assert acts.offered(tx) == ()
    assert here.send() == acts.NotTaken("site")
    here.books.close()


def test_a_parked_site_is_not_offered(here: Here) -> None:
    """It is not listened to."""
    with here.books.write() as tx:
        assert [each.node for each in acts.offered(tx)] == ["west"]
        nodes.set_state(tx, "west", "parked", "for a test")
        assert acts.offered(tx) == ()


# ── files ───────────────────────────────────────────────────────────────────────────────────


def test_files_are_ours_alone_and_called_anyhow(tmp_path: Path) -> None:
    """0600, in a directory of 0700; no name leads out of it."""
    files = UploadFiles(tmp_path / "uploads")
    kept = files.keep(io.BytesIO(CONTENT))
    file = tmp_path / "uploads" / kept.file
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    (tmp_path / "secret").write_bytes(b"secret")
    for name in ("../secret", "/etc/passwd", "", ".", kept.file + "/x"):
        assert files.piece(name, 0) is None
        files.remove(name)
    assert (tmp_path / "secret").exists()
    assert files.piece(kept.file, len(CONTENT)) == b""


def test_files_that_are_nobodys_go(tmp_path: Path) -> None:
    """The process died between the file and the books; what is fresh is left, it may be entered."""
    files = UploadFiles(tmp_path / "uploads")
    mine, nobodys, fresh = (files.keep(io.BytesIO(CONTENT)).file for _ in range(3))
    for each in (mine, nobodys):
        os.utime(tmp_path / "uploads" / each, (1000, 1000))
    assert files.tidy({mine}, 2000) == 1
    assert sorted(each.name for each in (tmp_path / "uploads").iterdir()) == sorted([mine, fresh])


def test_a_disk_that_does_not_take_it_keeps_nothing(tmp_path: Path) -> None:
    """There is no directory, nor can there be one."""
    (tmp_path / "uploads").write_text("in the way")
    with pytest.raises(NoRoom):
        UploadFiles(tmp_path / "uploads").keep(io.BytesIO(CONTENT))
