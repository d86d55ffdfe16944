"""Signing in and one's own account; the names are those that allauth looks for."""

from allauth.account import views as account
from allauth.socialaccount import views as social
from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, include, path

from voipadmin.accounts.views import audit, policy, users

urlpatterns: list[URLPattern | URLResolver] = [
    path("login/", account.login, name="login"),
    path("login/", account.login, name="account_login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("account/inactive/", account.account_inactive, name="account_inactive"),
    path("account/confirm/", account.reauthenticate, name="account_reauthenticate"),
    path("account/password/", account.password_change, name="account_change_password"),
    path("account/password/set/", account.password_set, name="account_set_password"),
    path("account/second-factor/", include("allauth.mfa.urls")),
    path("account/", include("allauth.socialaccount.providers.openid_connect.urls")),
    path("account/single-sign-on/", social.connections, name="socialaccount_connections"),
    path("account/single-sign-on/name/", social.signup, name="socialaccount_signup"),
    path(
        "account/single-sign-on/cancelled/",
        social.login_cancelled,
        name="socialaccount_login_cancelled",
    ),
    path("account/single-sign-on/error/", social.login_error, name="socialaccount_login_error"),
    path("users/", users.user_list, name="user-list"),
    path("users/policy/", policy.policy_page, name="sign-in-policy"),
    path("users/<int:pk>/", users.user_detail, name="user-detail"),
    path("users/<int:pk>/take/<int:grant>/", users.grant_take, name="user-grant-take"),
    path("users/<int:pk>/forget-factors/", users.forget_factors, name="user-forget-factors"),
    path("audit/", audit.audit_page, name="audit"),
    path("audit/audit.<slug:form>", audit.audit_export, name="audit-export"),
]
