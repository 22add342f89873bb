"""Names of RFC 5280 and its neighbours as text: distinguished names, general names, algorithms.

Rule: a name that is not in a table here is shown as its dotted object identifier, never guessed.
Distinguished names are RFC 4514 with a blank after each comma: most specific first, `CN=web.example, O=Lab`.
"""

from cryptography import x509
from cryptography.x509.oid import NameOID

from tuimon.text import printable

# RFC 4514 asks for only nine short names; these are the ones people write and OpenSSL prints.
_ATTRIBUTES = {
    NameOID.EMAIL_ADDRESS: "emailAddress",
    NameOID.SERIAL_NUMBER: "serialNumber",
    NameOID.GIVEN_NAME: "GN",
    NameOID.SURNAME: "SN",
    NameOID.TITLE: "title",
    NameOID.DN_QUALIFIER: "dnQualifier",
    NameOID.PSEUDONYM: "pseudonym",
    NameOID.GENERATION_QUALIFIER: "generationQualifier",
    NameOID.BUSINESS_CATEGORY: "businessCategory",
    NameOID.POSTAL_CODE: "postalCode",
    NameOID.JURISDICTION_COUNTRY_NAME: "jurisdictionC",
    NameOID.JURISDICTION_LOCALITY_NAME: "jurisdictionL",
    NameOID.JURISDICTION_STATE_OR_PROVINCE_NAME: "jurisdictionST",
    NameOID.ORGANIZATION_IDENTIFIER: "organizationIdentifier",
    NameOID.UNSTRUCTURED_NAME: "unstructuredName",
}

# The spellings of OpenSSL, which are those of the registering standards for most.
_SIGNATURES = {
    "1.2.840.113549.1.1.2": "md2WithRSAEncryption",
    "1.2.840.113549.1.1.3": "md4WithRSAEncryption",
    "1.2.840.113549.1.1.4": "md5WithRSAEncryption",
    "1.2.840.113549.1.1.5": "sha1WithRSAEncryption",
    "1.2.840.113549.1.1.10": "rsassaPss",
    "1.2.840.113549.1.1.11": "sha256WithRSAEncryption",
    "1.2.840.113549.1.1.12": "sha384WithRSAEncryption",
    "1.2.840.113549.1.1.13": "sha512WithRSAEncryption",
    "1.2.840.113549.1.1.14": "sha224WithRSAEncryption",
    "1.2.840.113549.1.1.15": "sha512-224WithRSAEncryption",
    "1.2.840.113549.1.1.16": "sha512-256WithRSAEncryption",
    "1.2.840.10040.4.3": "dsaWithSHA1",
    "1.2.840.10045.4.1": "ecdsa-with-SHA1",
    "1.2.840.10045.4.3.1": "ecdsa-with-SHA224",
    "1.2.840.10045.4.3.2": "ecdsa-with-SHA256",
    "1.2.840.10045.4.3.3": "ecdsa-with-SHA384",
    "1.2.840.10045.4.3.4": "ecdsa-with-SHA512",
    "1.3.101.112": "ED25519",
    "1.3.101.113": "ED448",
    "1.3.14.3.2.29": "sha1WithRSA",
    "1.2.156.10197.1.501": "SM2-with-SM3",
    "2.16.840.1.101.3.4.3.1": "dsa_with_SHA224",
    "2.16.840.1.101.3.4.3.2": "dsa_with_SHA256",
    "2.16.840.1.101.3.4.3.3": "dsa_with_SHA384",
    "2.16.840.1.101.3.4.3.4": "dsa_with_SHA512",
    "2.16.840.1.101.3.4.3.9": "ecdsa_with_SHA3-224",
    "2.16.840.1.101.3.4.3.10": "ecdsa_with_SHA3-256",
    "2.16.840.1.101.3.4.3.11": "ecdsa_with_SHA3-384",
    "2.16.840.1.101.3.4.3.12": "ecdsa_with_SHA3-512",
    "2.16.840.1.101.3.4.3.13": "RSA-SHA3-224",
    "2.16.840.1.101.3.4.3.14": "RSA-SHA3-256",
    "2.16.840.1.101.3.4.3.15": "RSA-SHA3-384",
    "2.16.840.1.101.3.4.3.16": "RSA-SHA3-512",
    "2.16.840.1.101.3.4.3.17": "ML-DSA-44",
    "2.16.840.1.101.3.4.3.18": "ML-DSA-65",
    "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
}

_PURPOSES = {
    "1.3.6.1.5.5.7.3.1": "serverAuth",
    "1.3.6.1.5.5.7.3.2": "clientAuth",
    "1.3.6.1.5.5.7.3.3": "codeSigning",
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.8": "timeStamping",
    "1.3.6.1.5.5.7.3.9": "OCSPSigning",
    "2.5.29.37.0": "anyExtendedKeyUsage",
}


def distinguished_name(name: x509.Name) -> str:
    """A subject or issuer in RFC 4514 order and escaping; empty for an empty name."""
    return printable(", ".join(rdn.rfc4514_string(_ATTRIBUTES) for rdn in reversed(name.rdns)))


def common_names(name: x509.Name) -> tuple[str, ...]:
    """Every common name, the most specific last."""
    return _values(name, NameOID.COMMON_NAME)


def email_addresses(name: x509.Name) -> tuple[str, ...]:
    """Every mail address of a subject that stands in it rather than beside it (PKCS#9)."""
    return _values(name, NameOID.EMAIL_ADDRESS)


def _values(name: x509.Name, oid: x509.ObjectIdentifier) -> tuple[str, ...]:
    values = (attribute.value for attribute in name.get_attributes_for_oid(oid))
    return tuple(printable(value) for value in values if isinstance(value, str))


def general_name(name: x509.GeneralName) -> str:
    """A general name with its kind: `DNS:`, `IP:`, `email:`, `URI:`, `DirName:`, `RID:`, `otherName:`.

    Of an otherName only the object identifier of its type is given.
    """
    match name:
        case x509.DNSName():
            text = f"DNS:{name.value}"
        case x509.IPAddress():
            text = f"IP:{name.value}"
        case x509.RFC822Name():
            text = f"email:{name.value}"
        case x509.UniformResourceIdentifier():
            text = f"URI:{name.value}"
        case x509.DirectoryName():
            text = f"DirName:{distinguished_name(name.value)}"
        case x509.RegisteredID():
            text = f"RID:{name.value.dotted_string}"
        case x509.OtherName():
            text = f"otherName:{name.type_id.dotted_string}"
        case _:
            text = "other:"
    return printable(text)


def location(name: x509.GeneralName) -> str:
    """Where something is to be fetched: a URI as it is, anything else as `general_name` has it."""
    if isinstance(name, x509.UniformResourceIdentifier):
        return printable(name.value)
    return general_name(name)


def signature(oid: x509.ObjectIdentifier) -> str:
    """The signature algorithm as OpenSSL prints it, else dotted."""
    return _SIGNATURES.get(oid.dotted_string, oid.dotted_string)


def purpose(oid: x509.ObjectIdentifier) -> str:
    """A KeyPurposeId by its name in RFC 5280, else dotted."""
    return _PURPOSES.get(oid.dotted_string, oid.dotted_string)
