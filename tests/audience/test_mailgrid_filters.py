"""Every filter that Mailgrid's reference documents gives the answer that it documents (its docs/filter.md)."""

from __future__ import annotations

import pytest

from mailtui.audience.match import Matcher
from mailtui.audience.rules import clauses
from mailtui.audience.rules_text import parse_rule

# The filter, a row that it lets in, and one that it leaves out. What a row does not name is empty there.
DOCUMENTED: list[tuple[str, dict[str, str], dict[str, str]]] = [
    # comparison
    ('tier == "premium" && country == "US"', {"tier": "Premium", "country": "us"}, {"tier": "premium"}),
    ('tier == "premium"', {"tier": "premium"}, {"tier": "vip"}),
    ('status == "active"', {"status": "active"}, {"status": ""}),
    ('country == "US"', {"country": "US"}, {"country": "UK"}),
    ('status != "inactive"', {"status": "active"}, {"status": "Inactive"}),
    ('plan != "trial"', {"plan": ""}, {"plan": "trial"}),
    ('company != ""', {"company": "Acme"}, {"company": ""}),
    # numbers
    ("age >= 18", {"age": "18"}, {"age": "9"}),
    ("score > 80", {"score": "100"}, {"score": "80"}),
    ("days_remaining > 0", {"days_remaining": "0.5"}, {"days_remaining": "soon"}),
    ("score > 80 && score < 100", {"score": "99"}, {"score": "100"}),
    ('score contains "8"', {"score": "180"}, {"score": "90"}),
    ("score >= 80 && score < 90", {"score": "80"}, {"score": "800"}),
    # texts
    ('email contains "@gmail.com"', {"email": "a@GMAIL.com"}, {"email": "a@acme.com"}),
    ('contains(company, "tech")', {"company": "BioTech"}, {"company": "Acme"}),
    ('industry contains "software" || industry contains "saas"', {"industry": "SaaS"}, {"industry": "retail"}),
    ('name startsWith "Dr."', {"name": "dr. No"}, {"name": "Adr. No"}),
    ('startsWith(email, "admin")', {"email": "Admin@acme.com"}, {"email": "sysadmin@acme.com"}),
    ('startsWith(role, "super")', {"role": "superuser"}, {"role": "user"}),
    ('email endsWith "@acme.com"', {"email": "a@Acme.com"}, {"email": "a@acme.com.evil"}),
    ('email endsWith "@corp.com" || email endsWith "@enterprise.io"', {"email": "a@enterprise.io"}, {"email": "a@b.c"}),
    ('name startsWith "O\'Brien"', {"name": "O'Brien, P."}, {"name": "OBrien"}),
    ('firstname startsWith "Alice"', {"firstname": "alice"}, {"firstname": "Bob"}),
    # and, or, not
    ('tier == "premium" and country == "US"', {"tier": "premium", "country": "US"}, {"country": "US"}),
    ('tier == "vip" || tier == "premium"', {"tier": "vip"}, {"tier": "basic"}),
    ('tier == "vip" or tier == "premium"', {"tier": "premium"}, {"tier": ""}),
    ('!email contains "@test.com"', {"email": "a@acme.com"}, {"email": "a@test.com"}),
    ('not email contains "@test.com"', {"email": "a@acme.com"}, {"email": "a@test.com"}),
    ("!company", {"company": ""}, {"company": "Acme"}),
    ("company", {"company": "Acme"}, {"company": ""}),
    ("company", {"company": "false"}, {"company": ""}),
    ('company == ""', {"company": ""}, {"company": "Acme"}),
    # precedence and brackets
    ('tier == "vip" || tier == "premium" && country == "US"', {"tier": "vip", "country": "FR"}, {"tier": "premium"}),
    (
        '(tier == "vip" || tier == "premium") && country == "US"',
        {"tier": "vip", "country": "US"},
        {"tier": "vip", "country": "FR"},
    ),
    (
        '(country == "US" || country == "CA") && age >= 18',
        {"country": "CA", "age": "18"},
        {"country": "CA", "age": "9"},
    ),
    (
        'status == "active" && (score > 90 || tier == "enterprise")',
        {"status": "active", "score": "n/a", "tier": "enterprise"},
        {"status": "active", "score": "90"},
    ),
    # by use case
    ('purchase_count > 0 && country == "US"', {"purchase_count": "1", "country": "US"}, {"country": "US"}),
    (
        'total_spent >= 1000 && status == "active"',
        {"total_spent": "1000.00", "status": "active"},
        {"total_spent": "2000"},
    ),
    (
        "cart_items > 0 && days_since_purchase > 30",
        {"cart_items": "2", "days_since_purchase": "31"},
        {"cart_items": "2"},
    ),
    (
        'days_since_last_login > 60 && status == "active"',
        {"days_since_last_login": "100", "status": "active"},
        {"days_since_last_login": "60", "status": "active"},
    ),
    ('plan == "trial" && days_left <= 3', {"plan": "trial", "days_left": "3"}, {"plan": "trial", "days_left": "10"}),
    (
        'company_size > 100 && tier == "enterprise"',
        {"company_size": "1000", "tier": "enterprise"},
        {"company_size": "99"},
    ),
    (
        'onboarding_complete == "false" && plan != "trial"',
        {"onboarding_complete": "FALSE", "plan": "pro"},
        {"onboarding_complete": "true", "plan": "pro"},
    ),
    (
        'status == "churned" && days_since_churn <= 90',
        {"status": "churned", "days_since_churn": "9"},
        {"status": "churned", "days_since_churn": "100"},
    ),
    (
        'subscribed == "true" && !email contains "@test.com"',
        {"subscribed": "true", "email": "a@acme.com"},
        {"subscribed": "true", "email": "a@test.com"},
    ),
    ('newsletter == "premium" || tier == "vip"', {"tier": "vip"}, {"newsletter": "basic"}),
    ('region == "EU" && language == "en"', {"region": "EU", "language": "en"}, {"region": "EU", "language": "de"}),
    ('industry contains "tech" || industry contains "software"', {"industry": "fintech"}, {"industry": "food"}),
    (
        '!email contains "@gmail.com" && !email contains "@yahoo.com" && !email contains "@hotmail.com"',
        {"email": "a@acme.com"},
        {"email": "a@yahoo.com"},
    ),
    ('email endsWith "@acme.com" || email endsWith "@beta.com"', {"email": "a@beta.com"}, {"email": "a@gamma.com"}),
    ('title contains "CEO" || title contains "CTO" || title contains "VP"', {"title": "vp sales"}, {"title": "clerk"}),
    ('role == "admin" || role == "owner"', {"role": "owner"}, {"role": "viewer"}),
    ('role != "viewer"', {"role": "admin"}, {"role": "viewer"}),
    ('country == "US" || country == "CA"', {"country": "ca"}, {"country": "MX"}),
    ('region != "EU"', {"region": ""}, {"region": "eu"}),
    ('contains(city, "new york") || contains(city, "los angeles")', {"city": "New York City"}, {"city": "York"}),
    (
        '(tier == "premium" || tier == "vip") && country == "US" && days_since_login <= 30'
        ' && !email contains "@test.com"',
        {"tier": "vip", "country": "US", "days_since_login": "30", "email": "a@acme.com"},
        {"tier": "vip", "country": "US", "days_since_login": "30", "email": "a@test.com"},
    ),
    (
        'plan == "trial" && days_left <= 3 && company != ""',
        {"plan": "trial", "days_left": "1", "company": "Acme"},
        {"plan": "trial", "days_left": "1"},
    ),
    (
        'referral_source != "" && plan == "free" && signup_age_days > 7',
        {"referral_source": "friend", "plan": "free", "signup_age_days": "10"},
        {"plan": "free", "signup_age_days": "10"},
    ),
]


@pytest.mark.parametrize(("text", "within", "without"), DOCUMENTED, ids=[item[0] for item in DOCUMENTED])
def test_a_documented_filter_gives_the_documented_answer(
    text: str, within: dict[str, str], without: dict[str, str]
) -> None:
    rule = parse_rule(text)
    columns = sorted({clause.column for clause in clauses(rule)})
    test = Matcher(rule, columns).test
    assert test([within.get(column, "") for column in columns])
    assert not test([without.get(column, "") for column in columns])
