"""What the service says of how long it keeps data is the retention policy, class by class."""

from config.knowing import known_of
from config.retaining import retention_policy
from config.settings import Settings


def test_every_class_of_the_retention_policy_is_told_with_its_time() -> None:
    told, policy = known_of(Settings()).kept, retention_policy(Settings())
    assert [each.name for each in told] == [each.title for each in policy.classes]
    unflagged = next(each for each in told if each.name == policy.of("unflagged").title)
    assert unflagged.stays.startswith("72 hours, from when: ")
    assert all(each.covers and each.then for each in told)
