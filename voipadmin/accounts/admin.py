"""The admin of what belongs to accounts: nothing there shows a secret."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin
from rest_framework.authtoken.models import TokenProxy

# Their pages show secrets (a token's key is in its very address), or let somebody be taken for
# another.
for model in (Authenticator, EmailAddress, SocialAccount, SocialApp, SocialToken, TokenProxy):
    if admin.site.is_registered(model):
        admin.site.unregister(model)
