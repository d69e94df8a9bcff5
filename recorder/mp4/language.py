"""Languages as MP4 names them: three letters of ISO 639-2/T."""

from __future__ import annotations

from typing import Final

UNKNOWN: Final = "und"

_CODES: Final = (
    "aa=aar af=afr am=amh ar=ara as=asm az=aze be=bel bg=bul bn=ben bs=bos ca=cat cs=ces cy=cym"
    " da=dan de=deu el=ell en=eng eo=epo es=spa et=est eu=eus fa=fas fi=fin fo=fao fr=fra"
    " fy=fry ga=gle gd=gla gl=glg gu=guj ha=hau he=heb hi=hin hr=hrv ht=hat hu=hun hy=hye"
    " id=ind ig=ibo is=isl it=ita ja=jpn jv=jav ka=kat kk=kaz km=khm kn=kan ko=kor ku=kur"
    " ky=kir la=lat lb=ltz lo=lao lt=lit lv=lav mg=mlg mi=mri mk=mkd ml=mal mn=mon mr=mar"
    " ms=msa mt=mlt my=mya nb=nob ne=nep nl=nld nn=nno no=nor oc=oci or=ori pa=pan pl=pol"
    " ps=pus pt=por ro=ron ru=rus rw=kin sa=san sd=snd si=sin sk=slk sl=slv so=som sq=sqi"
    " sr=srp su=sun sv=swe sw=swa ta=tam te=tel tg=tgk th=tha tk=tuk tl=tgl tr=tur tt=tat"
    " ug=uig uk=ukr ur=urd uz=uzb vi=vie wo=wol xh=xho yi=yid yo=yor zh=zho zu=zul"
)
_THREE_LETTERS: Final = dict(pair.split("=") for pair in _CODES.split())


def iso_639_2(language: str) -> str:
    """Three letters for the beginning of a BCP 47 tag, as MP4 wants them; UNKNOWN if not known."""
    first = language.split("-")[0].lower()
    if len(first) == 3 and first.isascii() and first.isalpha():
        return first
    return _THREE_LETTERS.get(first, UNKNOWN)


def packed(code: str) -> int:
    """Five bits a letter, as in mdhd. `code` has three small letters."""
    value = 0
    for letter in code:
        value = value << 5 | (ord(letter) - 0x60)
    return value
