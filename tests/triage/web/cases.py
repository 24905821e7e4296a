"""Cases and posts by their numbers, as the tests of pages look them up."""

from sqlalchemy import Engine
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from collector.records import Post
from triage.records import Case, Membership


def of(engine: Engine, number: int) -> Case:
    with Session(engine) as session:
        return session.exec(select(Case).where(Case.number == number)).one()


def posts_of(engine: Engine, number: int) -> SelectOfScalar[Post]:
    joined = select(Post).join(Membership, col(Membership.post_id) == Post.id)
    return joined.where(Membership.case_id == of(engine, number).id)


def one_post(engine: Engine, number: int) -> str:
    with Session(engine) as session:
        wanted = select(Membership.post_id).where(Membership.case_id == of(engine, number).id)
        return str(session.exec(wanted).first())
