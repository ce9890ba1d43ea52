"""Things and opinions by language. `{}` is the thing; no phrase has to agree with it in gender or number."""

TRAINING_THINGS = 8
"""The first so many things of each language are trained on, the others are tested on."""

THINGS = {
    "eng": (
        "the film",
        "the soup",
        "the room",
        "the journey",
        "the concert",
        "the book",
        "the bread",
        "the game",
        "the hotel",
        "the song",
        "the lesson",
        "the garden",
    ),
    "deu": (
        "den Film",
        "die Suppe",
        "das Zimmer",
        "die Reise",
        "das Konzert",
        "das Buch",
        "das Brot",
        "das Spiel",
        "das Hotel",
        "das Lied",
        "den Unterricht",
        "den Garten",
    ),
    "spa": (
        "la película",
        "la sopa",
        "la habitación",
        "el viaje",
        "el concierto",
        "el libro",
        "el pan",
        "el juego",
        "el hotel",
        "la canción",
        "la clase",
        "el jardín",
    ),
    "fra": (
        "le film",
        "la soupe",
        "la chambre",
        "le voyage",
        "le concert",
        "le livre",
        "le pain",
        "le jeu",
        "l'hôtel",
        "la chanson",
        "le cours",
        "le jardin",
    ),
}

OPINIONS = {
    "eng": {
        "positive": (
            "I loved {}.",
            "We enjoyed {} very much.",
            "Everybody praised {}.",
            "I warmly recommend {}.",
        ),
        "negative": (
            "I hated {}.",
            "We regretted {} at once.",
            "Everybody cursed {}.",
            "I warn you about {}.",
        ),
        "neutral": (
            "I am writing about {}.",
            "We talked about {} on Monday.",
            "They mention {} on page two.",
        ),
    },
    "deu": {
        "positive": (
            "Ich liebte {}.",
            "Wir haben {} sehr genossen.",
            "Alle lobten {}.",
            "Ich empfehle {} von Herzen.",
        ),
        "negative": (
            "Ich hasste {}.",
            "Wir haben {} sofort bereut.",
            "Alle verfluchten {}.",
            "Ich bedaure {} sehr.",
        ),
        "neutral": ("Ich beschreibe {}.", "Wir erwähnten {} am Montag.", "Sie nennen {} auf Seite zwei."),
    },
    "spa": {
        "positive": (
            "Me encantó {}.",
            "Disfrutamos mucho {}.",
            "Todos elogiaron {}.",
            "Recomiendo {} de corazón.",
        ),
        "negative": ("Odié {}.", "Lamentamos {} enseguida.", "Todos maldijeron {}.", "No soporté {}."),
        "neutral": ("Describo {}.", "Mencionamos {} el lunes.", "Nombran {} en la página dos."),
    },
    "fra": {
        "positive": (
            "J'ai adoré {}.",
            "Nous avons beaucoup aimé {}.",
            "Tout le monde a loué {}.",
            "Je recommande {}.",
        ),
        "negative": (
            "J'ai détesté {}.",
            "Nous avons regretté {}.",
            "Tout le monde a maudit {}.",
            "Je déconseille {}.",
        ),
        "neutral": ("Je décris {}.", "Nous avons mentionné {} lundi.", "Ils citent {} à la page deux."),
    },
}
