"""What the simulated coins and shares are called: well-known tickers first, then plausible made-up ones."""

from random import Random

_TICKERS = (
    "BTC ETH SOL XRP BNB DOGE ADA TRX LINK SUI AVAX TON SHIB XLM HBAR BCH LTC DOT UNI PEPE HYPE AAVE NEAR ICP APT ETC TAO "
    "ONDO MNT POL VET ARB FIL ATOM ALGO RENDER FET OP TIA STX INJ IMX KAS BONK WLD SEI JUP FLOKI GRT QNT LDO CRV PENGU "
    "PYTH WIF IOTA THETA GALA SAND MANA FLOW XTZ ENS JASMY BTT CAKE RAY AXS 1INCH NEO EOS DYDX XEC AR STRK ZEC DASH "
    "CHZ APE EGLD COMP KAVA GMX RUNE SNX MKR PENDLE ENA WOO BLUR ROSE ZIL ONE HOT CELO ANKR IOST QTUM BAT ZRX ENJ LRC "
    "SKL STORJ OCEAN MASK YFI SUSHI UMA BAL KSM ICX ONT RVN SC DGB LUNC LUNA USTC AUDIO CTSI COTI NKN BAND RLC TRB API3 "
    "ON APP NET WEN RAM MOG NEIRO NEIROETH SATS RATS CAT CHEEMS BABYDOGE WHY TURBO TOSHI TAG QUBIC LADYS ELON BOME MEW POPCAT BRETT GIGA "
    "MEME PEOPLE ORDI DOGS NOT HMSTR CATI MAJOR BLAST ZK ZRO IO W ETHFI AEVO ALT MANTA DYM XAI AI NFP ACE PIXEL PORTAL "
    "STRAX AGLD ALICE TLM BADGER BAKE BEL BICO BNT C98 CFX CHR CKB CVC CVX DENT DUSK EDU FIDA FLM FXS GAS GLM GLMR GMT "
    "GNO HFT HIGH HOOK ID ILV JOE JST KDA KEY KNC LEVER LINA LOOM LPT LQTY MAGIC MAV MBL MINA MOVR MTL MYRO NMR NTRN "
    "OGN OM OMG ORCA OXT PAXG PERP PHA PHB POLYX POWR PROM QI RAD RARE RDNT REEF REQ RIF RONIN RPL RSR SAFE SAGA SFP "
    "SLP SPELL SSV STEEM STG STMX SUN SUPER SXP SYN SYS T TNSR TOKEN TRU TWT UNFI USUAL VANRY VTHO WAVES WAXP XVG XVS "
    "YGG ZEN ZETA ACH ACT AERO AERGO AIXBT ALCH ALPACA ALPHA AMB ANIME ARC ARK ARKM ARPA ASTR ATA AUCTION AVA AXL B3 "
    "BABY BAN BANANA BB BEAM BERA BIGTIME BIO BLZ BNX BOB BOND BR BROCCOLI BSV BSW CARV CELR CETUS CGPT CHESS CHILLGUY "
    "COOKIE COS COW CTK D DEEP DEFI DEGEN DEGO DENT2 DF DIA DODO DOLO DRIFT EIGEN EPIC FARTCOIN FIO FORM FORTH FUN G "
    "GHST GOAT GPS GRASS GRIFFAIN GTC GUN HAEDAL HEI HIFI HIPPO HIVE HUMA INIT IP J JELLYJELLY JTO KAIA KAITO KERNEL "
    "KMNO KOMA LAYER LISTA LOKA LUMIA MBOX ME MELANIA MEMEFI METIS MICHI MILK MOCA MOODENG MORPHO MOVE MUBARAK MVL NIL "
    "OBOL OL OMNI ORBS OXY PARTI PIPPIN PLUME PNUT PROMPT PROVE PUFFER PUMP RED REI RESOLV REZ RPLX S SAHARA SCR SCRT "
    "SHELL SIGN SIREN SKATE SKYAI SLERF SOLV SOON SOPH SPK SPX SQD STO SWARMS SWELL SYRUP TAIKO THE TRUMP TST TUT USELESS "
    "VANA VELODROME VIC VINE VIRTUAL VOXEL VVV WAL WCT WOW XCN XION XTER XVG2 ZEREBRO ZKJ ZORA 0G 2Z 4 42 1CAT 1SOL 3P 5IRE "
    "币安人生 牛来 龙虾 哈基米 ASTER WLFI LINEA AVNT BARD XPL FF MIRA EDEN MET YB ENSO KITE ALLO MON IRYS RECALL TURTLE APRO"
)
KNOWN = _TICKERS.split()

PRICES = {
    "BTC": 84_000.0, "ETH": 3_100.0, "SOL": 168.0, "XRP": 2.31, "BNB": 905.0, "DOGE": 0.158, "ADA": 0.51, "TRX": 0.287,
    "LINK": 14.2, "SUI": 1.83, "AVAX": 15.4, "TON": 1.92, "LTC": 96.0, "BCH": 498.0, "PAXG": 4_080.0, "YFI": 4_600.0,
    "SHIB": 1.2e-5, "PEPE": 1.04e-5, "BONK": 2.1e-5, "FLOKI": 9.1e-5, "LUNC": 5.4e-5, "SATS": 3.1e-8, "RATS": 3.3e-5,
    "XEC": 2.2e-5, "MOG": 8.3e-7, "BABYDOGE": 1.1e-9, "CHEEMS": 1.3e-6, "CAT": 7.2e-6, "WHY": 4.8e-8, "TURBO": 2.6e-3,
    "TOSHI": 5.2e-4, "TAG": 4.7e-4, "BTT": 6.1e-7, "QUBIC": 8.4e-7, "LADYS": 9.0e-8, "ELON": 9.4e-8, "NEIRO": 2.7e-4,
    "NEIROETH": 3.9e-2, "BOB": 0.021, "MEME": 1.6e-3, "HOT": 8.0e-4, "DENT": 4.0e-4, "SPELL": 4.4e-4, "币安人生": 0.4762,
}  # fmt: skip

SHARES = {  # ticker -> (asset class, price); the first row shares its tickers with coins of other venues
    "NET": ("stock", 212.0), "APP": ("stock", 604.0), "ON": ("stock", 51.0), "RAM": ("stock", 27.0), "WEN": ("stock", 9.1),
    "AAPL": ("stock", 268.0), "TSLA": ("stock", 411.0), "NVDA": ("stock", 188.0), "MSTR": ("stock", 202.0),
    "COIN": ("stock", 274.0), "HOOD": ("stock", 118.0), "AMZN": ("stock", 226.0), "META": ("stock", 611.0),
    "GOOGL": ("stock", 291.0), "PLTR": ("stock", 171.0), "CRCL": ("stock", 79.0), "INTC": ("stock", 36.0),
    "XAU": ("commodity", 4_100.0), "XAG": ("commodity", 59.6), "XPT": ("commodity", 1_632.0), "XCU": ("commodity", 5.1),
    "EUR": ("forex", 1.157),
}  # fmt: skip

_STARTS, _MIDDLES, _ENDS = (
    part.split()
    for part in (
        "ba be bo da de du fa fi ga go ka ki ko la lo lu ma mi mo na ne no pa po ra ri ro sa si so ta ti va vi wa xo ya za zo",
        "la ra na ta mi ri lo ro ku zu vi xi do me be",
        "x n s r t k d ai io oo us on ix fi",
    )
)


def coin_names(count: int, rng: Random) -> list[str]:
    """`count` different tickers, the best known first."""
    names = dict.fromkeys(KNOWN)
    while len(names) < count:
        made = rng.choice(_STARTS) + (rng.choice(_MIDDLES) if rng.random() < 0.7 else "") + rng.choice(_ENDS)
        names.setdefault(made.upper() + (str(rng.randint(2, 99)) if rng.random() < 0.04 else ""))
    return list(names)[:count]


def coin_price(name: str, rng: Random) -> float:
    """Its price in USDT at the start: the usual one of a known coin, else anything from 0.0008 to 60."""
    drawn = 10 ** rng.uniform(-3.1, 1.8)
    return PRICES.get(name, drawn)
